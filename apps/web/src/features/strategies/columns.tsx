/** Columns of the list of strategies. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Amounts } from "@/app/Amounts";
import { daysOf } from "@/app/period";
import { useAccountNames, useScope } from "@/app/scope";
import { useStatistics, type Group } from "@/features/dashboard/reads";
import { totalsOf } from "@/features/positions/figures";
import { useEntries, type StrategyRow } from "@/features/strategies/reads";
import type { Column } from "@/kit/grid/types";
import { StatusPill } from "@/kit/StatusPill";
import { NOTHING } from "@/lib/format";
import { usePreference } from "@/lib/preferences";
import { useLiveRows } from "@/live/hooks";
import { openPositions } from "@/live/live";

export function useStrategyColumns(rows: readonly StrategyRow[]): readonly Column<StrategyRow>[] {
  const { t } = useTranslation("strategies");
  const names = useAccountNames();
  const results = useResultColumns();
  const entries = useEntriesColumn(rows);
  return useMemo(
    (): Column<StrategyRow>[] => [
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
      entries,
      {
        id: "accounts",
        header: t("accounts"),
        kind: "text",
        width: 220,
        priority: 2,
        value: (row) => row.account_ids.map((id) => names(id).label).join(", "),
      },
      ...results,
      { id: "clientId", header: t("clientId"), kind: "id", width: 110, priority: 4, value: (row) => row.client_strategy_id },
    ],
    [t, names, results, entries],
  );
}

/** Open positions of each strategy, what they are worth now, and what was earned. */
function useResultColumns(): readonly Column<StrategyRow>[] {
  const { t } = useTranslation("strategies");
  const { parameter } = useScope();
  const zone = usePreference("zone");
  const today = useStatistics(parameter, daysOf("today", zone), "strategy").data?.groups;
  const month = useStatistics(parameter, daysOf("30d", zone), "strategy").data?.groups;
  const positions = useLiveRows(openPositions);
  return useMemo((): Column<StrategyRow>[] => {
    const held = (row: StrategyRow) => positions.filter((one) => one.strategy_id === row.strategy_id);
    const result = (id: "today" | "month", groups: readonly Group[] | undefined): Column<StrategyRow> => {
      const of = (row: StrategyRow) => groups?.find((group) => group.key === row.strategy_id);
      return {
        id,
        header: t(id),
        kind: "decimal",
        width: 120,
        priority: id === "today" ? 1 : 2,
        value: (row) => of(row)?.total_pnl ?? null,
        cell: (row) => resultText(of(row), t("severalCurrencies")),
      };
    };
    return [
      { id: "positions", header: t("positions"), kind: "id", width: 100, priority: 2, value: (row) => held(row).length },
      {
        id: "open",
        header: t("open"),
        kind: "decimal",
        width: 120,
        priority: 2,
        value: (row) => {
          const totals = totalsOf(held(row));
          return totals.length === 1 ? (totals[0]?.unrealized ?? null) : null;
        },
        cell: (row) => <Amounts amounts={Object.fromEntries(totalsOf(held(row)).map((one) => [one.currency, one.unpriced > 0 ? null : one.unrealized]))} />,
      },
      result("today", today),
      result("month", month),
    ];
  }, [t, today, month, positions]);
}

function resultText(group: Group | undefined, several: string) {
  if (group === undefined || group.closed_positions === 0) return NOTHING;
  if (group.currency === null) return several;
  return <Amounts amounts={{ [group.currency]: group.total_pnl }} />;
}

/** On how many of its accounts a strategy may open positions. */
function useEntriesColumn(rows: readonly StrategyRow[]): Column<StrategyRow> {
  const { t } = useTranslation("strategies");
  const entries = useEntries(rows, useScope().ids);
  return useMemo(
    (): Column<StrategyRow> => ({
      id: "entries",
      header: t("entries"),
      kind: "text",
      width: 130,
      priority: 2,
      value: (row) => {
        const known = row.account_ids.map((id) => entries.get(`${id} ${row.strategy_id}`));
        const allowed = row.status === "active" ? known.filter((one) => one === true).length : 0;
        return known.length === 0 || known.includes(undefined) ? null : t("entriesOf", { allowed, count: known.length });
      },
    }),
    [t, entries],
  );
}
