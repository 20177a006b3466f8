/** Symbols and their rules, as the ccxt gateway gives them for the exchange of the account. */
import { useQuery } from "@tanstack/react-query";
import { request } from "@/api/client";
import { mul, type Decimal } from "@/lib/decimal";

interface CcxtAnswer<T> {
  ok: boolean;
  result: T;
}

export interface CcxtMarket {
  symbol: string;
  type: string;
  active: boolean | null;
  contract?: boolean | null;
  inverse?: boolean | null;
  contractSize?: number | null;
  precision: { amount: number | null; price: number | null };
  limits: { amount: { min: number | null }; cost: { min: number | null } };
}

interface CcxtTicker {
  bid: number | null;
  ask: number | null;
  last: number | null;
}

export interface Market {
  symbol: string;
  qtyStep: Decimal | undefined;
  priceStep: Decimal | undefined;
  minQty: Decimal | undefined;
  minNotional: Decimal | undefined;
  /** Quote currency per contract of an inverse contract; null: another kind, or not said. */
  contractSize: Decimal | null;
}

export interface Quote {
  bid: Decimal | null;
  ask: Decimal | null;
  last: Decimal | null;
}

/** A number of ccxt as a decimal in plain notation; its shortest text is taken, never computed with. */
export function plain(value: number | null | undefined): Decimal | undefined {
  if (value === null || value === undefined) return undefined;
  const [mantissa = "0", exponent] = String(value).split("e");
  if (exponent === undefined) return mantissa;
  const power = Number.parseInt(exponent, 10);
  const digits = mantissa.replace("-", "").replace(".", "");
  const point = (mantissa.replace("-", "").split(".")[0] ?? "").length + power;
  const sign = mantissa.startsWith("-") ? "-" : "";
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, "0");
}

async function ccxt<T>(accountId: number, func: string, args: readonly unknown[] = []): Promise<T> {
  return (await request<CcxtAnswer<T>>("POST", `/ccxt/${accountId}/${func}`, { args })).result;
}

/** The symbols of an account's exchange. */
export function useSymbols(accountId: number | null) {
  return useQuery({
    queryKey: ["ccxt", accountId, "symbols"],
    queryFn: () => ccxt<string[]>(accountId ?? 0, "symbols"),
    enabled: accountId !== null,
    staleTime: 600_000,
  });
}

/** Steps and minima as the gateway counts: in base currency, where exchanges may count in contracts. */
export function marketOf(market: CcxtMarket): Market {
  const size = plain(market.contractSize);
  const inverse = market.inverse === true;
  const inBase = (amount: number | null) => {
    const value = plain(amount);
    return value === undefined || size === undefined || market.contract !== true || inverse ? value : mul(value, size);
  };
  return {
    symbol: market.symbol,
    qtyStep: inBase(market.precision.amount),
    priceStep: plain(market.precision.price),
    minQty: inBase(market.limits.amount.min),
    minNotional: plain(market.limits.cost.min),
    contractSize: inverse ? (size ?? null) : null,
  };
}

/** The steps and minima of a symbol. */
export function useMarket(accountId: number | null, symbol: string | null) {
  return useQuery({
    queryKey: ["ccxt", accountId, "market", symbol],
    queryFn: async () => marketOf(await ccxt<CcxtMarket>(accountId ?? 0, "market", [symbol])),
    enabled: accountId !== null && symbol !== null,
    staleTime: 600_000,
  });
}

const QUOTE_EVERY_MS = 2000;

/** Bid, ask and last price, asked for every two seconds. */
export function useQuote(accountId: number | null, symbol: string | null) {
  return useQuery({
    queryKey: ["ccxt", accountId, "ticker", symbol],
    queryFn: async (): Promise<Quote> => {
      const ticker = await ccxt<CcxtTicker>(accountId ?? 0, "fetch_ticker", [symbol]);
      return { bid: plain(ticker.bid) ?? null, ask: plain(ticker.ask) ?? null, last: plain(ticker.last) ?? null };
    },
    enabled: accountId !== null && symbol !== null,
    refetchInterval: QUOTE_EVERY_MS,
  });
}
