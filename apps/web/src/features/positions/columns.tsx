import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useStrategyNames } from "@/api/strategies";
import type { Position } from "@/api/types";
import { useAccountNames } from "@/app/scope";
import { profitPercent } from "@/features/positions/figures";
import { EnvBadge } from "@/kit/EnvBadge";
import type { Column } from "@/kit/grid/types";
import { SideText } from "@/kit/SideText";
import { NOTHING, toneOf, useFormats } from "@/lib/format";
import { profitCurrency } from "@/lib/symbol";
import { fmtAge } from "@/lib/time";

/** The columns of open positions; price and profit are painted live. */
export function usePositionColumns(): readonly Column<Position>[] {
  const { t } = useTranslation("positions");
  const formats = useFormats();
  const account = useAccountNames();
  const strategy = useStrategyNames();
  return useMemo((): Column<Position>[] => {
    const { number, time } = formats;
    return [
      { id: "id", header: t("column.id"), kind: "id", width: 64, grow: 0, priority: 3, value: (row) => row.id },
      { id: "account", header: t("column.account"), kind: "text", width: 104, value: (row) => account(row.account_id).label },
      {
        id: "environment",
        header: t("column.environment"),
        kind: "text",
        width: 76,
        grow: 0,
        priority: 3,
        value: (row) => account(row.account_id).environment,
        cell: (row) => <EnvBadge environment={account(row.account_id).environment} />,
      },
      { id: "strategy", header: t("column.strategy"), kind: "text", width: 88, priority: 4, value: (row) => strategy(row.strategy_id) },
      { id: "symbol", header: t("column.symbol"), kind: "text", width: 112, priority: 1, value: (row) => row.symbol },
      {
        id: "side",
        header: t("column.side"),
        kind: "text",
        width: 70,
        grow: 0,
        priority: 1,
        value: (row) => row.side,
        cell: (row) => <SideText side={row.side} position />,
      },
      { id: "qty", header: t("column.qty"), kind: "decimal", width: 84, value: (row) => row.qty, cell: (row) => number(row.qty) },
      {
        id: "avg",
        header: t("column.avgPrice"),
        kind: "decimal",
        width: 96,
        value: (row) => row.avg_price,
        cell: (row) => number(row.avg_price, { places: 4 }),
      },
      {
        id: "mark",
        header: t("column.mark"),
        kind: "decimal",
        width: 96,
        value: (row) => row.mark_price,
        live: (row) => ({ text: number(row.mark_price), title: row.mark_at === null ? t("noPrice") : time(row.mark_at) }),
      },
      {
        id: "pnl",
        header: t("column.pnl"),
        kind: "decimal",
        width: 128,
        priority: 1,
        value: (row) => row.unrealized_pnl,
        live: (row) => ({
          text:
            row.unrealized_pnl === null
              ? NOTHING
              : `${number(row.unrealized_pnl, { places: 2, plus: true })} ${profitCurrency(row.symbol)}`,
          tone: toneOf(row.unrealized_pnl),
          title: row.unrealized_pnl ?? t("noPrice"),
        }),
      },
      {
        id: "pnlPct",
        header: t("column.pnlPct"),
        kind: "decimal",
        width: 84,
        value: profitPercent,
        live: (row) => {
          const percent = profitPercent(row);
          return { text: percent === null ? NOTHING : `${number(percent, { places: 2, plus: true })} %`, tone: toneOf(percent) };
        },
      },
      {
        id: "realized",
        header: t("column.realized"),
        kind: "decimal",
        width: 88,
        priority: 4,
        value: (row) => row.realized_pnl,
        cell: (row) => number(row.realized_pnl, { places: 2, plus: true }),
      },
      { id: "stopLoss", header: t("column.stopLoss"), kind: "decimal", width: 88, value: (row) => row.stop_loss, cell: (row) => number(row.stop_loss) },
      { id: "takeProfit", header: t("column.takeProfit"), kind: "decimal", width: 88, value: (row) => row.stop_gain, cell: (row) => number(row.stop_gain) },
      {
        id: "age",
        header: t("column.age"),
        kind: "time",
        width: 68,
        priority: 3,
        value: (row) => row.opened_at,
        cell: (row) => <span title={time(row.opened_at)}>{fmtAge(row.opened_at)}</span>,
      },
      { id: "state", header: t("column.state"), kind: "text", width: 76, priority: 3, value: (row) => t(`state.${row.state}`) },
    ];
  }, [t, formats, account, strategy]);
}
