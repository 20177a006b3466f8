import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Deal, Page } from "@/api/types";
import { profitSubtotal, useLedgerColumns } from "@/app/columns";
import { useLedgerGroupings } from "@/app/groupings";
import { HistoryGrid, type HistoryRequest } from "@/app/HistoryGrid";
import { useOpenChart } from "@/app/openChart";
import { ProfitSums } from "@/app/ProfitSums";
import { useScope } from "@/app/scope";
import { sumsByCurrency } from "@/app/sums";
import { otherTypeOf } from "@/features/deals/types";
import type { Column } from "@/kit/grid/types";
import { NOTHING, useFormats, type Formats } from "@/lib/format";
import { placesOf } from "@/lib/symbol";

/** The value of an execution; other deals have none. */
function executed(deal: Deal, value: string): string | null {
  return otherTypeOf(deal) === null ? value : null;
}

function feesOf(deals: readonly Deal[], number: Formats["number"]): string | null {
  const fees = deals.flatMap((deal) => (deal.fee === null || deal.fee_currency === null ? [] : [[deal.fee_currency, deal.fee] as const]));
  if (fees.length === 0) return null;
  return sumsByCurrency(fees)
    .map(([currency, fee]) => `${number(fee, { places: Math.max(4, placesOf(currency)) })} ${currency}`)
    .join(", ");
}

/** The profit of a deal; what was paid in or out is none. */
function profitOf(deal: Deal): string | null {
  return otherTypeOf(deal) === "balance" ? null : deal.pnl;
}

const executedAt = (deal: Deal) => deal.executed_at;

function useDealColumns(): readonly Column<Deal>[] {
  const { t } = useTranslation("deals");
  const { number } = useFormats();
  const ledger = useLedgerColumns<Deal>();
  return useMemo((): Column<Deal>[] => {
    const sides = ledger.side();
    const side = { ...sides, cell: (row: Deal) => (otherTypeOf(row) === null ? sides.cell?.(row) : NOTHING) };
    const entryOf = (row: Deal) => {
      const other = otherTypeOf(row);
      return other === null ? t(`entry.${row.entry}`) : t(`type.${other}`);
    };
    return [
      ledger.time("executed", t("column.executed"), (row) => row.executed_at),
      ledger.id,
      ledger.account,
      ledger.environment,
      ledger.strategy,
      ledger.symbol,
      side,
      ledger.text("entry", t("column.entry"), entryOf, { width: 88 }),
      ledger.decimal("qty", t("column.qty"), (row) => executed(row, row.qty), { priority: 1 }),
      ledger.decimal("price", t("column.price"), (row) => executed(row, row.price)),
      ledger.profit("pnl", t("column.pnl"), (row) => row.pnl, { priority: 1, subtotal: profitSubtotal(number, profitOf) }),
      ledger.decimal("fee", t("column.fee"), (row) => row.fee, { subtotal: (rows) => feesOf(rows, number) }),
      ledger.text("feeCurrency", t("column.feeCurrency"), (row) => row.fee_currency, { width: 68 }),
      ledger.text("order", t("column.order"), (row) => (row.order_id === null ? null : String(row.order_id)), {
        width: 68,
        priority: 3,
      }),
      ledger.text("position", t("column.position"), (row) => String(row.position_id), { width: 68, priority: 3 }),
      ledger.text("liquidity", t("column.liquidity"), (row) => row.liquidity, { width: 72, priority: 4 }),
      ledger.text("reconciled", t("column.reconciled"), (row) => t(row.reconciled ? "compared.yes" : "compared.no"), {
        width: 84,
        priority: 4,
      }),
    ];
  }, [t, number, ledger]);
}

function readDeals(query: HistoryRequest) {
  return api.GET("/oms/deals", { params: { query } }) as Promise<{ data?: Page<Deal>; response: Response }>;
}

/** Deals by days, the newest first, with sums of what is loaded. */
export default function DealsPage() {
  const { t } = useTranslation("deals");
  const scope = useScope();
  const columns = useDealColumns();
  const groupings = useLedgerGroupings(executedAt);
  const openChart = useOpenChart();
  return (
    <HistoryGrid<Deal>
      id="deals"
      name="deals"
      label={t("label")}
      empty={t("empty", { accounts: t("accounts", { ns: "common", count: scope.ids.length }) })}
      columns={columns}
      groupings={groupings}
      sortedBy="executed"
      renewedBy={["deal_updated"]}
      read={readDeals}
      actions={(deal) => [{ id: "chart", label: t("chart"), run: () => openChart(deal.account_id, deal.symbol, deal.executed_at) }]}
      renderSums={(rows) => (
        <ProfitSums
          label={t("totals")}
          rows={rows}
          profit={profitOf}
          fees={(row) => (row.fee === null || row.fee_currency === null ? {} : { [row.fee_currency]: row.fee })}
        />
      )}
    />
  );
}
