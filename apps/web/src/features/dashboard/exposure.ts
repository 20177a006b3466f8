/** What the positions of a portfolio are worth, long and short. */
import type { Portfolio } from "@/features/dashboard/reads";
import { abs, add, type Decimal } from "@/lib/decimal";
import { profitCurrency } from "@/lib/symbol";

export interface Exposure {
  currency: string;
  /** Long and short added. */
  gross: Decimal;
  /** Short ones subtracted. */
  net: Decimal;
}

/**
 * Exposure of all positions; null: nothing is held, a position has no price, or they are counted in several
 * currencies, which are never added.
 */
export function exposureOf(portfolio: Pick<Portfolio, "items">): Exposure | null {
  const values = portfolio.items.flatMap((account) => account.positions);
  const currency = values[0] === undefined ? "" : profitCurrency(values[0].symbol);
  let gross = "0";
  let net = "0";
  for (const { symbol, market_value: value } of values) {
    if (value === null || profitCurrency(symbol) !== currency) return null;
    gross = add(gross, abs(value));
    net = add(net, value);
  }
  return values.length === 0 ? null : { currency, gross, net };
}
