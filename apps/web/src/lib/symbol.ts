/** Parts of a symbol such as `BTC/USDT` or `BTC/USDT:USDT`. */

/** The currency that profit is counted in: that of settlement, else the quote. */
export function profitCurrency(symbol: string): string {
  const [pair = "", settle] = symbol.split(":");
  return settle?.split("-")[0] ?? pair.split("/")[1] ?? "";
}

/** The currency that quantities are counted in. */
export function baseCurrency(symbol: string): string {
  return symbol.split("/")[0] ?? symbol;
}
