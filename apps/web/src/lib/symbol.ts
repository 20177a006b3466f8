/** Parts of a symbol such as `BTC/USDT` or `BTC/USDT:USDT`. */

/** The currency that profit is counted in: that of settlement, else the quote. */
export function profitCurrency(symbol: string): string {
  const [pair = "", settle] = symbol.split(":");
  return settle?.split("-")[0] ?? pair.split("/")[1] ?? "";
}

/** The currency that the price is counted in. */
export function quoteCurrency(symbol: string): string {
  return symbol.split(":")[0]?.split("/")[1] ?? "";
}

/** Whether the symbol is a contract whose profit is paid in its base currency; its quantity is a number of contracts. */
export function isInverse(symbol: string): boolean {
  return symbol.includes(":") && profitCurrency(symbol) === symbol.split("/")[0];
}

/** The currency that quantities are counted in. */
export function baseCurrency(symbol: string): string {
  return symbol.split("/")[0] ?? symbol;
}

/** Currencies whose amounts are written with two digits after the point. */
const CENTS = new Set(["USD", "USDT", "USDC", "BUSD", "FDUSD", "DAI", "EUR", "GBP", "BRL"]);

/** How many digits after the point an amount of the currency is shown with. */
export function placesOf(currency: string): number {
  return CENTS.has(currency) ? 2 : 8;
}
