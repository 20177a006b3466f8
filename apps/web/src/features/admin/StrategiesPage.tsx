import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { AdminList } from "@/app/AdminList";
import { KillDialog } from "@/app/shell/KillDialog";
import { StatusDialog } from "@/app/StatusDialog";
import { useStrategyColumns } from "@/features/strategies/columns";
import { changeStrategy, useRenewStrategies, useStrategyRows, type StrategyRow } from "@/features/strategies/reads";
import { StrategyDialog } from "@/features/strategies/StrategyDialog";
import { StrategyDrawer } from "@/features/strategies/StrategyDrawer";
import { useCan } from "@/lib/permissions";

type Opened = { kind: "new" } | { kind: "change" | "status" | "kill"; strategy: StrategyRow } | null;

const textsOf = (strategy: StrategyRow) => [strategy.name];

/** The strategies: create, name and accounts, disable, new positions per account. */
export default function StrategiesPage() {
  const { t } = useTranslation("strategies");
  const can = useCan();
  const isAdmin = can("admin");
  const strategies = useStrategyRows(isAdmin);
  const renew = useRenewStrategies();
  const [opened, setOpened] = useState<Opened>(null);
  const [shownId, setShownId] = useState<number | null>(null);
  const all = useMemo(() => (strategies.data ?? []).map((row) => ({ ...row, id: row.strategy_id })), [strategies.data]);
  const columns = useStrategyColumns(all);
  const shown = all.find((row) => row.id === shownId);
  const close = () => setOpened(null);
  return (
    <>
      <AdminList
        id="strategies"
        label={t("title")}
        columns={columns}
        query={strategies}
        rows={all}
        textsOf={textsOf}
        filter="strategy"
        search={t("search")}
        create={t("create.title")}
        onCreate={can("strategy_create") ? () => setOpened({ kind: "new" }) : undefined}
        empty={t("empty")}
        sortBy="name"
        exportName="strategies"
        onOpen={(strategy) => setShownId(strategy.id)}
        actions={(strategy) => [
          { id: "switch", label: t("switch.title"), run: () => setShownId(strategy.id) },
          ...(can("kill_on") ? [{ id: "kill", label: t("kill"), danger: true, run: () => setOpened({ kind: "kill", strategy }) }] : []),
          ...(isAdmin
            ? [
                { id: "change", label: t("change.action"), run: () => setOpened({ kind: "change", strategy }) },
                {
                  id: "status",
                  label: t(strategy.status === "active" ? "disable.action" : "enable.action"),
                  danger: strategy.status === "active",
                  run: () => setOpened({ kind: "status", strategy }),
                },
              ]
            : []),
        ]}
        readOnlyOnPhones
      />
      {shown !== undefined && <StrategyDrawer strategy={shown} onClose={() => setShownId(null)} />}
      {opened?.kind === "new" && <StrategyDialog onClose={close} onChanged={renew} />}
      {opened?.kind === "change" && <StrategyDialog strategy={opened.strategy} onClose={close} onChanged={renew} />}
      {opened?.kind === "kill" && <KillDialog strategy={opened.strategy} onClose={close} />}
      {opened?.kind === "status" && (
        <StatusDialog
          status={opened.strategy.status}
          tier={3}
          text={(change, part) => t(`${change}.${part}`, { name: opened.strategy.name })}
          onSet={(status, comment) => changeStrategy(opened.strategy.strategy_id, { status }, comment)}
          onClose={close}
          onChanged={renew}
        />
      )}
    </>
  );
}
