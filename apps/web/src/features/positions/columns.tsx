import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Position } from "@/api/types";
import { useLedgerColumns } from "@/app/columns";
import { profitPercent, sizeOf } from "@/features/positions/figures";
import type { Column } from "@/kit/grid/types";
import { NOTHING, toneOf, useFormats } from "@/lib/format";
import { placesOf, profitCurrency } from "@/lib/symbol";

/** The columns of open positions; price and profit are painted live. */
export function usePositionColumns(): readonly Column<Position>[] {
  const { t } = useTranslation("positions");
  const { number, time } = useFormats();
  const ledger = useLedgerColumns<Position>();
  return useMemo(
    (): Column<Position>[] => [
      ledger.id,
      ledger.account,
      ledger.environment,
      ledger.strategy,
      ledger.symbol,
      ledger.side(true),
      ledger.decimal("qty", t("column.qty"), sizeOf),
      ledger.price("avg", t("column.avgPrice"), (row) => row.avg_price),
      ledger.decimal("mark", t("column.mark"), (row) => row.mark_price, {
        width: 96,
        live: (row) => ({
          text: number(row.mark_price),
          title: row.mark_at === null ? t("noPrice") : time(row.mark_at),
        }),
      }),
      ledger.profit("pnl", t("column.pnl"), (row) => row.unrealized_pnl, {
        width: 128,
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
        live: (row) => {
          const percent = profitPercent(row);
          return {
            text: percent === null ? NOTHING : `${number(percent, { places: 2, plus: true })} %`,
            tone: toneOf(percent),
          };
        },
      }),
      ledger.profit("realized", t("column.realized"), (row) => row.realized_pnl, { priority: 4 }),
      ledger.decimal("stopLoss", t("column.stopLoss"), (row) => row.stop_loss, { priority: 3 }),
      ledger.decimal("takeProfit", t("column.takeProfit"), (row) => row.stop_gain, { priority: 3 }),
      ledger.age("age", t("column.age"), (row) => row.opened_at),
      ledger.text("state", t("column.state"), (row) => t(`state.${row.state}`), { width: 72, priority: 3 }),
    ],
    [t, number, time, ledger],
  );
}
