/** Figures of positions for display; profit itself comes from the gateway. */
import type { Position } from "@/api/types";
import { abs, add, div, mul, type Decimal } from "@/lib/decimal";
import { profitCurrency } from "@/lib/symbol";

/** The size of a position; the gateway's `qty` of a short one is negative. */
export function sizeOf(position: Position): Decimal {
  return abs(position.qty);
}

/** Unrealized profit in percent of what the position cost; null until both are known. */
export function profitPercent(position: Position): Decimal | null {
  const cost = position.cost_basis ?? null;
  if (position.unrealized_pnl === null || cost === null) return null;
  return div(mul(position.unrealized_pnl, "100"), abs(cost), 2);
}

export interface CurrencyTotals {
  currency: string;
  unrealized: Decimal;
  realized: Decimal;
  /** Positions without a price: they are missing in `unrealized`. */
  unpriced: number;
}

/** Sums by currency: profits in different currencies are never added. */
export function totalsOf(positions: readonly Position[]): CurrencyTotals[] {
  const totals = new Map<string, CurrencyTotals>();
  for (const position of positions) {
    const currency = profitCurrency(position.symbol);
    const known = totals.get(currency) ?? { currency, unrealized: "0", realized: "0", unpriced: 0 };
    totals.set(currency, {
      currency,
      unrealized: add(known.unrealized, position.unrealized_pnl ?? "0"),
      realized: add(known.realized, position.realized_pnl),
      unpriced: known.unpriced + (position.unrealized_pnl === null ? 1 : 0),
    });
  }
  return [...totals.values()].toSorted((a, b) => a.currency.localeCompare(b.currency));
}
