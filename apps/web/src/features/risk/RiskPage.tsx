import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLimitName } from "@/app/limitNames";
import { PageLoading } from "@/app/PageStates";
import { useReadState } from "@/app/readState";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { useAccountFigures, type AccountFigures } from "@/features/risk/accountFigures";
import { KillPanel } from "@/features/risk/KillPanel";
import { LimitsTab } from "@/features/risk/LimitsTab";
import { useRiskAccounts, type AccountRow } from "@/features/risk/reads";
import { SwitchDialog, type SwitchName } from "@/features/risk/SwitchDialog";
import { UsageDrawer } from "@/features/risk/UsageDrawer";
import { DataGrid } from "@/kit/DataGrid";
import { EnvBadge } from "@/kit/EnvBadge";
import type { Column } from "@/kit/grid/types";
import type { MenuItem } from "@/kit/Menu";
import { Panel } from "@/kit/Panel";
import { StatusPill } from "@/kit/StatusPill";
import { Tabs } from "@/kit/Tabs";
import { cx } from "@/lib/cx";
import { cmp, type Decimal } from "@/lib/decimal";
import { NOTHING, useFormats } from "@/lib/format";
import { useCan } from "@/lib/permissions";
import { placesOf } from "@/lib/symbol";

const BreachesTab = lazy(async () => ({ default: (await import("@/features/risk/BreachesTab")).BreachesTab }));
const KeyGrid = lazy(async () => ({ default: (await import("@/features/keys/KeyGrid")).KeyGrid }));

type Opened = { kind: SwitchName | "limits"; account: AccountRow } | null;

function useColumns(figures: ReadonlyMap<number, AccountFigures>): readonly Column<AccountRow>[] {
  const { t } = useTranslation("risk");
  const { number } = useFormats();
  const limitName = useLimitName();
  return useMemo(
    () => [
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 3, value: (row) => row.id },
      { id: "label", header: t("column.account", { ns: "common" }), kind: "text", width: 160, priority: 1, value: (row) => row.label },
      {
        id: "environment",
        header: t("column.environment", { ns: "common" }),
        kind: "text",
        width: 80,
        grow: 0,
        priority: 1,
        value: (row) => row.environment,
        cell: (row) => <EnvBadge environment={row.environment} />,
      },
      { id: "exchange", header: t("column.exchange"), kind: "text", width: 110, priority: 3, value: (row) => row.exchange_id },
      { id: "mode", header: t("column.mode"), kind: "text", width: 130, priority: 4, value: (row) => t(`mode.${row.position_mode}`, { ns: "accounts" }) },
      {
        id: "status",
        header: t("column.status"),
        kind: "text",
        width: 120,
        priority: 1,
        value: (row) => row.status,
        cell: (row) => (
          <StatusPill tone={row.status === "active" ? "good" : "bad"}>
            {t(row.status === "active" ? "status.active" : "status.blocked")}
          </StatusPill>
        ),
      },
      {
        id: "allowed",
        header: t("column.allowed"),
        kind: "text",
        width: 130,
        priority: 2,
        value: (row) => String(row.allow_new_positions),
        cell: (row) => (
          <StatusPill tone={row.allow_new_positions ? "good" : "warn"}>
            {t(row.allow_new_positions ? "allowed.yes" : "allowed.no")}
          </StatusPill>
        ),
      },
      {
        id: "equity",
        header: t("column.equity"),
        kind: "decimal",
        width: 130,
        priority: 2,
        value: (row) => figures.get(row.id)?.equity ?? null,
        cell: (row) => {
          const found = figures.get(row.id);
          return found === undefined || found.equity === null ? NOTHING : `${number(found.equity, { places: placesOf(found.currency) })} ${found.currency}`;
        },
      },
      {
        id: "exposure",
        header: t("column.exposure"),
        kind: "decimal",
        width: 130,
        priority: 3,
        value: (row) => figures.get(row.id)?.exposure?.gross ?? null,
        cell: (row) => {
          const found = figures.get(row.id)?.exposure;
          return found === undefined || found === null ? NOTHING : `${number(found.gross, { places: placesOf(found.currency) })} ${found.currency}`;
        },
      },
      {
        id: "limit",
        header: t("column.limit"),
        kind: "decimal",
        width: 200,
        priority: 2,
        value: (row) => figures.get(row.id)?.limit?.percent ?? null,
        cell: (row) => {
          const limit = figures.get(row.id)?.limit;
          return limit === undefined || limit === null ? NOTHING : <LimitUse name={limitName(limit.key)} percent={limit.percent} />;
        },
      },
      { id: "quarantine", header: t("column.quarantine"), kind: "text", width: 200, priority: 3, value: (row) => row.quarantine },
    ],
    [t, number, figures, limitName],
  );
}

const NEAR = "80";

/** The limit that is used most, with a bar. */
function LimitUse({ name, percent }: { name: string; percent: Decimal }) {
  const { number } = useFormats();
  const over = cmp(percent, "100") >= 0;
  const near = cmp(percent, NEAR) >= 0;
  return (
    <span className="flex flex-col items-end" title={`${name}: ${percent} %`}>
      <span className={cx("truncate", over ? "text-down" : near && "text-warn")}>
        {name} {number(percent)} %
      </span>
      <span aria-hidden className="h-0.5 w-full bg-raise">
        <span className={cx("block h-0.5", over ? "bg-down" : near ? "bg-warn" : "bg-accent")} style={{ width: `${over ? "100" : percent}%` }} />
      </span>
    </span>
  );
}

/** The parts of the page, in their order. */
const TABS = ["switches", "limits", "breaches", "keys"] as const;

/** Kill switches, the accounts with their switches, the limits of all scopes, what they refused, and API keys. */
export default function RiskPage() {
  const { t } = useTranslation("risk");
  const can = useCan();
  const [filters, setFilters] = useFilters("tab");
  return (
    <Tabs
      label={t("tab.label")}
      value={TABS.find((tab) => tab === filters.tab) ?? "switches"}
      onChange={(tab) => setFilters({ tab: tab === "switches" ? undefined : tab })}
      tabs={[
        { id: "switches", label: t("tab.switches"), content: <Switches /> },
        { id: "limits", label: t("tab.limits"), content: <LimitsTab /> },
        {
          id: "breaches",
          label: t("tab.breaches"),
          content: (
            <Suspense fallback={<PageLoading />}>
              <BreachesTab />
            </Suspense>
          ),
        },
        {
          id: "keys",
          label: t("tab.keys"),
          content: (
            <Suspense fallback={<PageLoading />}>
              <KeyGrid owner={can("admin") ? "admin" : "self"} />
            </Suspense>
          ),
        },
      ]}
    />
  );
}

function Switches() {
  const { t } = useTranslation("risk");
  const scope = useScope();
  const can = useCan();
  const accounts = useRiskAccounts();
  const stateOf = useReadState();
  const columns = useColumns(useAccountFigures(scope.accounts));
  const [opened, setOpened] = useState<Opened>(null);
  const rows = useMemo(
    () => (accounts.data ?? []).filter((account) => scope.ids.includes(account.id)),
    [accounts.data, scope.ids],
  );
  const close = () => setOpened(null);
  const open = (kind: SwitchName | "limits", account: AccountRow) => () => setOpened({ kind, account });

  const actions = (row: AccountRow): MenuItem[] => {
    const items: MenuItem[] = [{ id: "limits", label: t("menu.limits"), run: open("limits", row) }];
    if (can("risk_switch", row.id)) {
      const kind = row.allow_new_positions ? "forbid" : "allow";
      items.push({ id: kind, label: t(`switch.${kind}.menu`), run: open(kind, row) });
    }
    if (can("risk_block", row.id)) {
      const kind = row.status === "active" ? "block" : "unblock";
      items.push({ id: kind, label: t(`switch.${kind}.menu`), danger: kind === "block", run: open(kind, row) });
    }
    return items;
  };

  return (
    <div className="flex min-h-0 flex-1 flex-col gap-2 overflow-auto p-2">
      <KillPanel />
      <Panel title={t("accounts.title")} className="min-h-80 flex-1">
        <DataGrid
          id="riskAccounts"
          label={t("accounts.title")}
          columns={columns}
          rows={rows}
          state={stateOf(accounts)}
          empty={t("accounts.empty")}
          defaultSort={{ id: "id", desc: false }}
          exportName="risk-accounts"
          actions={actions}
          onOpen={(row) => setOpened({ kind: "limits", account: row })}
        />
      </Panel>
      {opened?.kind === "limits" && <UsageDrawer account={opened.account} onClose={close} />}
      {opened !== null && opened.kind !== "limits" && (
        <SwitchDialog account={opened.account} kind={opened.kind} onClose={close} />
      )}
    </div>
  );
}
