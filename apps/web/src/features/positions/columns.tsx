import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Position } from "@/api/types";
import { useLedgerColumns } from "@/app/columns";
import { distancePercent, profitPercent, sizeOf } from "@/features/positions/figures";
import type { Column, PaintedText } from "@/kit/grid/types";
import { abs, cmp, type Decimal } from "@/lib/decimal";
import { NOTHING, toneOf, useFormats } from "@/lib/format";
import { placesOf, profitCurrency } from "@/lib/symbol";
import { useLiveRows } from "@/live/hooks";
import { openOrders } from "@/live/live";

/** The columns of open positions; price and profit are painted live. Narrow ones have levels without their distance, and no percent. */
export function usePositionColumns(compact: boolean): readonly Column<Position>[] {
  const { t } = useTranslation("positions");
  const { number, time } = useFormats();
  const ledger = useLedgerColumns<Position>();
  const orders = useOrderCounts();
  return useMemo((): Column<Position>[] => {
    const narrow = compact ? 82 : 96;
    const level = (id: string, header: string, value: (row: Position) => Decimal | null) =>
      ledger.decimal(id, header, value, {
        width: compact ? 80 : 124,
        priority: compact ? 2 : 3,
        onCards: true,
        live: (row): PaintedText => {
          const distance = distancePercent(row, value(row));
          const price = number(value(row));
          if (distance === null) return { text: price };
          const title = t("fromPrice", { distance: `${number(distance, { places: 2, plus: true })} %` });
          if (compact) return { text: price, title };
          const short = number(distance, { places: cmp(abs(distance), "10") < 0 ? 1 : 0, plus: true });
          return { text: `${price} ${short} %`, title };
        },
      });
    return [
      compact ? { ...ledger.id, priority: 4 } : ledger.id,
      compact ? { ...ledger.account, width: 104 } : ledger.account,
      compact ? { ...ledger.environment, priority: 4 } : ledger.environment,
      ledger.strategy,
      ledger.symbol,
      compact ? { ...ledger.side(true), width: 62 } : ledger.side(true),
      ledger.decimal("qty", t("column.qty"), sizeOf, { width: compact ? 78 : 80 }),
      ledger.price("avg", t("column.avgPrice"), (row) => row.avg_price, { width: narrow, ...(compact ? { priority: 3, onCards: true } : {}) }),
      ledger.decimal("mark", t("column.mark"), (row) => row.mark_price, {
        width: narrow,
        live: (row) => ({
          text: number(row.mark_price),
          title: row.mark_at === null ? t("noPrice") : time(row.mark_at),
        }),
      }),
      ledger.profit("pnl", t("column.pnl"), (row) => row.unrealized_pnl, {
        width: compact ? 124 : 128,
        priority: 1,
        live: (row) => ({
          text:
            row.unrealized_pnl === null
              ? NOTHING
              : `${number(row.unrealized_pnl, { places: placesOf(profitCurrency(row.symbol)), plus: true })} ${profitCurrency(row.symbol)}`,
          tone: toneOf(row.unrealized_pnl),
          title: row.unrealized_pnl ?? t("noPrice"),
        }),
      }),
      ledger.decimal("pnlPct", t("column.pnlPct"), profitPercent, {
        ...(compact ? { priority: 3 } : {}),
        live: (row) => {
          const percent = profitPercent(row);
          return {
            text: percent === null ? NOTHING : `${number(percent, { places: 2, plus: true })} %`,
            tone: toneOf(percent),
          };
        },
      }),
      ledger.profit("realized", t("column.realized"), (row) => row.realized_pnl, { priority: 4 }),
      level("stopLoss", t("column.stopLoss"), (row) => row.stop_loss),
      level("takeProfit", t("column.takeProfit"), (row) => row.stop_gain),
      {
        id: "orders",
        header: t("column.orders"),
        kind: "id",
        width: 64,
        grow: 0,
        priority: 4,
        value: (row) => orders.get(row.id) ?? 0,
      },
      ledger.age("age", t("column.age"), (row) => row.opened_at),
      ledger.text("state", t("column.state"), (row) => t(`state.${row.state}`), { width: 72, priority: 3 }),
    ];
  }, [t, number, time, ledger, orders, compact]);
}

/** How many open orders belong to a position, by its id. */
function useOrderCounts(): ReadonlyMap<number, number> {
  const orders = useLiveRows(openOrders);
  return useMemo(() => {
    const counts = new Map<number, number>();
    for (const { position_id: id } of orders) if (id !== 0) counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  }, [orders]);
}
