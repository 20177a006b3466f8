import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { AdminList } from "@/app/AdminList";
import { useAccountNames } from "@/app/scope";
import { KillDialog } from "@/app/shell/KillDialog";
import { StatusDialog } from "@/app/StatusDialog";
import { changeStrategy, useRenewStrategies, useStrategyRows, type StrategyRow } from "@/features/strategies/reads";
import { StrategyDialog } from "@/features/strategies/StrategyDialog";
import { StrategyDrawer } from "@/features/strategies/StrategyDrawer";
import type { Column } from "@/kit/grid/types";
import { StatusPill } from "@/kit/StatusPill";
import { useCan } from "@/lib/permissions";
import { useLiveRows } from "@/live/hooks";
import { openPositions } from "@/live/live";

type Opened = { kind: "new" } | { kind: "change" | "status" | "kill"; strategy: StrategyRow } | null;

function useColumns(): readonly Column<StrategyRow>[] {
  const { t } = useTranslation("strategies");
  const names = useAccountNames();
  const positions = useLiveRows(openPositions);
  return useMemo(
    () => [
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 3, value: (row) => row.id },
      { id: "name", header: t("name"), kind: "text", width: 180, priority: 1, value: (row) => row.name },
      {
        id: "status",
        header: t("status"),
        kind: "text",
        width: 100,
        priority: 1,
        value: (row) => row.status,
        cell: (row) => <StatusPill tone={row.status === "active" ? "good" : "neutral"}>{t(`state.${row.status}`)}</StatusPill>,
      },
      {
        id: "accounts",
        header: t("accounts"),
        kind: "text",
        width: 260,
        priority: 1,
        value: (row) => row.account_ids.map((id) => names(id).label).join(", "),
      },
      { id: "positions", header: t("positions"), kind: "id", width: 100, priority: 2, value: (row) => positions.filter((one) => one.strategy_id === row.strategy_id).length },
      { id: "clientId", header: t("clientId"), kind: "id", width: 110, priority: 3, value: (row) => row.client_strategy_id },
    ],
    [t, names, positions],
  );
}

const textsOf = (strategy: StrategyRow) => [strategy.name];

/** The strategies: create, name and accounts, disable, new positions per account. */
export default function StrategiesPage() {
  const { t } = useTranslation("strategies");
  const can = useCan();
  const isAdmin = can("admin");
  const strategies = useStrategyRows(isAdmin);
  const columns = useColumns();
  const renew = useRenewStrategies();
  const [opened, setOpened] = useState<Opened>(null);
  const [shownId, setShownId] = useState<number | null>(null);
  const all = useMemo(() => (strategies.data ?? []).map((row) => ({ ...row, id: row.strategy_id })), [strategies.data]);
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
