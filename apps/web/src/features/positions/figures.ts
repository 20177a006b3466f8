/** Figures of positions for display; profit itself comes from the gateway. */
import type { Position } from "@/api/types";
import { abs, add, div, mul, sub, type Decimal } from "@/lib/decimal";
import { profitCurrency } from "@/lib/symbol";

/** The size of a position; the gateway's `qty` of a short one is negative. */
export function sizeOf(position: Position): Decimal {
  return abs(position.qty);
}

/** The other positions of the symbol and account: opposite ones, or those of the same side. */
export function partnersOf(position: Position, rows: readonly Position[], opposite: boolean): Position[] {
  return rows.filter(
    (row) =>
      row.id !== position.id &&
      row.account_id === position.account_id &&
      row.symbol === position.symbol &&
      (row.side !== position.side) === opposite,
  );
}

/** Unrealized profit in percent of what the position cost; null until both are known. */
export function profitPercent(position: Position): Decimal | null {
  const cost = position.cost_basis ?? null;
  if (position.unrealized_pnl === null || cost === null) return null;
  return div(mul(position.unrealized_pnl, "100"), abs(cost), 2);
}

/** How far the price is from a level, in percent of the price; negative: below it. Null until both are known. */
export function distancePercent(position: Position, level: Decimal | null): Decimal | null {
  if (level === null || position.mark_price === null) return null;
  return div(mul(sub(level, position.mark_price), "100"), position.mark_price, 2);
}

export interface CurrencyTotals {
  currency: string;
  /** Null while no position has a price. */
  unrealized: Decimal | null;
  realized: Decimal;
  /** Positions without a price: they are missing in `unrealized`. */
  unpriced: number;
}

/** Sums by currency: profits in different currencies are never added. */
export function totalsOf(positions: readonly Position[]): CurrencyTotals[] {
  const totals = new Map<string, CurrencyTotals>();
  for (const position of positions) {
    const currency = profitCurrency(position.symbol);
    const known: CurrencyTotals = totals.get(currency) ?? { currency, unrealized: null, realized: "0", unpriced: 0 };
    totals.set(currency, {
      currency,
      unrealized: position.unrealized_pnl === null ? known.unrealized : add(known.unrealized ?? "0", position.unrealized_pnl),
      realized: add(known.realized, position.realized_pnl),
      unpriced: known.unpriced + (position.unrealized_pnl === null ? 1 : 0),
    });
  }
  return [...totals.values()].toSorted((a, b) => a.currency.localeCompare(b.currency));
}
