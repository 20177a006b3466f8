/** Columns of results and of execution quality; what is not known is shown as such, never as zero. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useStrategyNames } from "@/api/strategies";
import { useAccountNames } from "@/app/scope";
import type { ExecutionGroupBy, ExecutionRow, GroupBy, ResultRow } from "@/features/stats/reads";
import { useSourceNames } from "@/features/stats/sources";
import type { Column } from "@/kit/grid/types";
import { cx } from "@/lib/cx";
import { toneOf, useFormats } from "@/lib/format";
import { placesOf } from "@/lib/symbol";

const TONES = { up: "text-up", down: "text-down" };
const RATIO_PLACES = 2;

interface Keyed {
  id: number;
  key: string | number | null;
}

/** The name of a group: of strategies and accounts, else the key itself. */
function useGroupColumn<Row extends Keyed>(group: GroupBy | ExecutionGroupBy): Column<Row> {
  const { t } = useTranslation("stats");
  const strategy = useStrategyNames();
  const account = useAccountNames();
  const sources = useSourceNames();
  return useMemo(() => {
    const name = ({ key }: Row): string => {
      if (key === null) return t("all");
      if (group === "strategy") return strategy(Number(key)) || t("none");
      if (group === "account") return account(Number(key)).label;
      if (group === "source") return Number(key) === 0 ? t("none") : (sources.get(Number(key)) ?? `#${key}`);
      return String(key);
    };
    return { id: "group", header: t(`group.${group}` as "group.symbol"), kind: "text", width: 150, priority: 1, sortable: false, value: name };
  }, [t, group, strategy, account, sources]);
}

export function useResultColumns(group: GroupBy): readonly Column<ResultRow>[] {
  const { t } = useTranslation("stats");
  const { number } = useFormats();
  const first = useGroupColumn<ResultRow>(group);
  return useMemo((): Column<ResultRow>[] => {
    type Name = Exclude<keyof ResultRow, "id" | "key" | "currency">;
    const count = (name: Name, priority: 1 | 2 | 3 | 4 = 3): Column<ResultRow> => ({
      id: name,
      header: t(`column.${name}` as "column.closed_positions"),
      kind: "id",
      width: 80,
      priority,
      value: (row) => Number(row[name]),
    });
    const ratio = (name: Name, unit = "", priority: 1 | 2 | 3 = 2): Column<ResultRow> => ({
      id: name,
      header: t(`column.${name}` as "column.winrate"),
      kind: "decimal",
      width: 84,
      priority,
      value: (row) => row[name] as string | null,
      cell: (row) => {
        const text = number(row[name] as string | null, { places: RATIO_PLACES });
        return row[name] === null ? text : `${text}${unit}`;
      },
    });
    const amount = (name: Name, priority: 1 | 2 | 3 = 2, signed = true): Column<ResultRow> => ({
      id: name,
      header: t(`column.${name}` as "column.total_pnl"),
      kind: "decimal",
      width: 110,
      priority,
      value: (row) => row[name] as string | null,
      cell: (row) => {
        const value = row[name] as string | null;
        const tone = signed && value !== null ? toneOf(value) : undefined;
        return (
          <span className={cx(tone !== undefined && TONES[tone])}>
            {number(value, { places: placesOf(row.currency ?? ""), plus: signed })}
          </span>
        );
      },
    });
    return [
      first,
      count("closed_positions", 1),
      count("open_positions"),
      amount("total_pnl", 1),
      { id: "currency", header: t("column.currency"), kind: "text", width: 76, value: (row) => row.currency ?? (row.closed_positions === 0 ? null : t("several")) },
      ratio("winrate", " %", 1),
      amount("avg_pnl_per_trade"),
      amount("avg_pnl_win", 3),
      amount("avg_pnl_loss", 3),
      ratio("profit_factor"),
      ratio("payoff_ratio", "", 3),
      amount("max_drawdown", 3, false),
      amount("fees_total", 3, false),
      count("winning_trades", 4),
      count("losing_trades", 4),
      count("tp_count", 4),
      count("sl_count", 4),
      count("trailing_count", 4),
      count("timeout_count", 4),
      count("manual_count", 4),
      count("max_win_streak", 4),
      count("max_loss_streak", 4),
    ];
  }, [t, number, first]);
}

export function useExecutionColumns(group: ExecutionGroupBy): readonly Column<ExecutionRow>[] {
  const { t } = useTranslation("stats");
  const { number } = useFormats();
  const first = useGroupColumn<ExecutionRow>(group);
  return useMemo((): Column<ExecutionRow>[] => {
    type Name = Exclude<keyof ExecutionRow, "id" | "key" | "slippage">;
    const count = (name: Name): Column<ExecutionRow> => ({
      id: name,
      header: t(`column.${name}` as "column.orders"),
      kind: "id",
      width: 90,
      priority: 1,
      value: (row) => Number(row[name]),
    });
    const mean = (name: Name, unit: string): Column<ExecutionRow> => ({
      id: name,
      header: t(`column.${name}` as "column.avg_send_ms"),
      kind: "decimal",
      width: 110,
      value: (row) => row[name] as string | null,
      cell: (row) => {
        const text = number(row[name] as string | null, { places: RATIO_PLACES });
        return row[name] === null ? text : `${text} ${unit}`;
      },
    });
    const slippage = (row: ExecutionRow) =>
      Object.entries(row.slippage)
        .map(([currency, value]) => `${number(value, { places: placesOf(currency), plus: true })} ${currency}`)
        .join(", ") || null;
    return [
      first,
      count("orders"),
      count("filled_orders"),
      count("rejected_orders"),
      count("measured_orders"),
      mean("avg_slippage_bps", "bps"),
      mean("worst_slippage_bps", "bps"),
      { id: "slippage", header: t("column.slippage"), kind: "text", width: 150, priority: 3, value: slippage },
      mean("avg_queue_ms", "ms"),
      mean("avg_send_ms", "ms"),
      mean("avg_exchange_ms", "ms"),
    ];
  }, [t, number, first]);
}
