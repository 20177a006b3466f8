/** Candles as they come: those that close, from the gateway, and the one that forms, from the exchange. */
import { useQuery, useQueryClient, type InfiniteData, type QueryKey } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useMemo } from "react";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import { useScope } from "@/app/scope";
import { closeOf, millisecondsOf, type Candle } from "@/charts/candles/scene";
import type { ChartSettings } from "@/features/chart/settings";
import { useCan } from "@/lib/permissions";
import { useLiveEvents } from "@/live/hooks";
import { liveSocket } from "@/live/live";

type CandlePage = components["schemas"]["Candles"];

interface ClosedCandle {
  exchange_id: string;
  symbol: string;
  timeframe: string;
  open_time: string;
  open: string;
  high: string;
  low: string;
  close: string;
  volume: string | null;
}

/** The newest page with a candle put at its time; what follows it goes on. */
export function withCandle(items: readonly Candle[], candle: Candle): Candle[] {
  const at = millisecondsOf(candle);
  const index = items.findLastIndex((one) => millisecondsOf(one) <= at);
  const found = items[index];
  const replaces = found !== undefined && millisecondsOf(found) === at;
  // A candle that is closed stays so.
  if (replaces && found.is_closed && !candle.is_closed) return [...items];
  return [...items.slice(0, replaces ? index : index + 1), candle, ...items.slice(index + 1)];
}

/** Add candles of the series as they close, or as the market forms them. */
export function useNewCandles(key: QueryKey, settings: ChartSettings, isLive: boolean): void {
  const client = useQueryClient();
  const put = (candle: Candle) =>
    client.setQueryData<InfiniteData<CandlePage>>(key, (data) => {
      const [newest, ...others] = data?.pages ?? [];
      if (data === undefined || newest === undefined) return data;
      return { ...data, pages: [{ ...newest, items: withCandle(newest.items, candle) }, ...others] };
    });
  useLiveEvents(["candle_closed"], ({ payload }) => {
    const closed = payload as unknown as ClosedCandle;
    const isShown = closed.exchange_id === settings.exchange && closed.symbol === settings.symbol && closed.timeframe === settings.timeframe;
    if (!isLive || !isShown || settings.end !== "") return;
    const { open, high, low, close, volume } = closed;
    put({ time: closed.open_time, open, high, low, close, volume, is_closed: true });
  });
  useFormingCandle(key, settings, isLive && settings.end === "", put);
  const renew = useEffectEvent(() => void client.invalidateQueries({ queryKey: key }));
  // Candles that closed while the page did not look are read once it does again.
  useEffect(() => (isLive ? renew() : undefined), [isLive]);
}

/** Open time in milliseconds, open, high, low, close, volume, as exchanges send candles. */
type SentCandle = [number, number, number, number, number, number | null];

const PLACES_MAX = 18;

/** A number of an exchange as decimal text. */
export function decimalOf(value: number): string {
  return value.toLocaleString("en", { useGrouping: false, maximumFractionDigits: PLACES_MAX });
}

/** The candle that forms, from the newest ones of the exchange; undefined: the stored ones do not reach it. */
export function formingCandle(stored: readonly Candle[], sent: readonly SentCandle[], timeframe: string): Candle | undefined {
  const newest = sent.at(-1);
  const last = stored.findLast((one) => one.is_closed);
  if (newest === undefined || last === undefined) return undefined;
  const [at, open, high, low, close, volume] = newest;
  if (closeOf(millisecondsOf(last), timeframe) !== at) return undefined;
  return {
    time: new Date(at).toISOString(),
    open: decimalOf(open),
    high: decimalOf(high),
    low: decimalOf(low),
    close: decimalOf(close),
    volume: volume === null ? null : decimalOf(volume),
    is_closed: false,
  };
}

const NO_EXCHANGES: ReadonlyMap<number, string> = new Map();

/** The exchange of each account. */
function useAccountExchanges(enabled: boolean): ReadonlyMap<number, string> {
  const { data } = useQuery({
    queryKey: ["account exchanges"],
    queryFn: async () => (await call(api.GET("/oms/accounts"))).items,
    staleTime: Number.POSITIVE_INFINITY,
    enabled,
  });
  return useMemo(() => (data === undefined ? NO_EXCHANGES : new Map(data.map((one) => [one.account_id, one.exchange_id]))), [data]);
}

/** Follow the candle that forms at an exchange of the accounts in view. */
function useFormingCandle(key: QueryKey, settings: ChartSettings, isLive: boolean, put: (candle: Candle) => void): void {
  const client = useQueryClient();
  const can = useCan();
  const { exchange, symbol, timeframe } = settings;
  const { ids } = useScope();
  const exchanges = useAccountExchanges(isLive);
  const account = ids.find((id) => exchanges.get(id) === exchange && can("market", id));
  useEffect(() => {
    if (!isLive || account === undefined || symbol === null) return undefined;
    liveSocket.followCandles({ account_id: account, symbol, timeframe });
    return () => liveSocket.followCandles(null);
  }, [isLive, account, symbol, timeframe]);
  useLiveEvents(["ohlcv_updated"], ({ payload }) => {
    const isShown = payload["account_id"] === account && payload["symbol"] === symbol && payload["timeframe"] === timeframe;
    if (!isLive || !isShown) return;
    const data = client.getQueryData<InfiniteData<CandlePage>>(key);
    const candle = formingCandle(data?.pages[0]?.items ?? [], payload["data"] as SentCandle[], timeframe);
    if (candle !== undefined) put(candle);
  });
}
