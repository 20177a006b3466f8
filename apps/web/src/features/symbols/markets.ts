/** The markets of an account's exchange with their trading rules. */
import { useQuery } from "@tanstack/react-query";
import { request } from "@/api/client";
import { plain } from "@/features/trade/markets";
import { mul, type Decimal } from "@/lib/decimal";

export const MARKET_TYPES = ["spot", "margin", "swap", "future", "option"] as const;
export type MarketType = (typeof MARKET_TYPES)[number];

interface Range {
  min?: number | null;
  max?: number | null;
}

/** A market as ccxt describes it. */
export interface CcxtMarket {
  symbol: string;
  base: string;
  quote: string;
  settle: string | null;
  type: string;
  active: boolean | null;
  contractSize: number | null;
  inverse: boolean | null;
  expiryDatetime: string | null;
  taker: number | null;
  maker: number | null;
  precision: { amount: number | null; price: number | null };
  limits: { amount?: Range; cost?: Range; leverage?: Range };
}

export interface MarketRow {
  id: number;
  symbol: string;
  base: string;
  quote: string;
  settle: string | null;
  type: string;
  /** Null: the exchange does not say. */
  active: boolean | null;
  inverse: boolean;
  priceStep: Decimal | null;
  qtyStep: Decimal | null;
  minQty: Decimal | null;
  maxQty: Decimal | null;
  minNotional: Decimal | null;
  contractSize: Decimal | null;
  maxLeverage: Decimal | null;
  /** In percent. */
  maker: Decimal | null;
  taker: Decimal | null;
  expiry: string | null;
}

function decimal(value: number | null | undefined): Decimal | null {
  return plain(value) ?? null;
}

function percent(value: number | null): Decimal | null {
  const share = decimal(value);
  return share === null ? null : mul(share, "100");
}

/** Rows of the list in the order of their symbols, numbered from 1. */
export function rowsOf(markets: readonly CcxtMarket[]): MarketRow[] {
  return markets
    .toSorted((a, b) => a.symbol.localeCompare(b.symbol))
    .map((market, index) => ({
      id: index + 1,
      symbol: market.symbol,
      base: market.base,
      quote: market.quote,
      settle: market.settle,
      type: market.type,
      active: market.active,
      inverse: market.inverse === true,
      priceStep: decimal(market.precision.price),
      qtyStep: decimal(market.precision.amount),
      minQty: decimal(market.limits.amount?.min),
      maxQty: decimal(market.limits.amount?.max),
      minNotional: decimal(market.limits.cost?.min),
      contractSize: decimal(market.contractSize),
      maxLeverage: decimal(market.limits.leverage?.max),
      maker: percent(market.maker),
      taker: percent(market.taker),
      expiry: market.expiryDatetime,
    }));
}

function letters(text: string): string {
  return text.toLowerCase().replaceAll(/[^\p{Letter}\p{Number}\s]/gu, "");
}

/** Whether every word of the search is part of the symbol; `btcusdt` finds `BTC/USDT`. */
export function matches(symbol: string, search: string): boolean {
  const text = letters(symbol);
  return letters(search)
    .split(/\s+/)
    .every((word) => text.includes(word));
}

interface Markets {
  rows: MarketRow[];
  readAt: string;
}

/** The markets of an account; `reload` makes the gateway read them from the exchange again. */
export async function readMarkets(accountId: number, reload: boolean): Promise<Markets> {
  const answer = await request<{ result: Record<string, CcxtMarket> }>(
    "POST",
    `/ccxt/${accountId}/${reload ? "load_markets" : "markets"}`,
    { args: reload ? [true] : [] },
  );
  return { rows: rowsOf(Object.values(answer.result)), readAt: new Date().toISOString() };
}

export function marketsKey(accountId: number | null) {
  return ["ccxt", accountId, "markets"];
}

export function useMarkets(accountId: number | null) {
  return useQuery({
    queryKey: marketsKey(accountId),
    queryFn: () => readMarkets(accountId ?? 0, false),
    enabled: accountId !== null,
    staleTime: 600_000,
  });
}
