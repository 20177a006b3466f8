/** What the chart reads: candles and instruments of the store, and what the accounts did meanwhile. */
import { useInfiniteQuery, useQuery, useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import type { Deal, Order, Position } from "@/api/types";
import { closeOf, millisecondsOf, type Candle } from "@/charts/candles/scene";
import { useNewCandles } from "@/features/chart/candleFeed";
import type { ChartSettings } from "@/features/chart/settings";
import { useLiveEvents } from "@/live/hooks";

type Schemas = components["schemas"];

export type Instrument = Schemas["Instrument"];
export type Signal = Schemas["Signal"];
type CandlePage = Schemas["Candles"];

/** More candles than this are not held; older ones are read by days. */
export const CANDLES_MAX = 20_000;
const PAGE_MAX = 5000;
const DAY_MS = 86_400_000;

/** The instruments that candles are stored for. */
export function useInstruments() {
  return useQuery({
    queryKey: ["market", "symbols"],
    queryFn: async (): Promise<Instrument[]> => (await call(api.GET("/market/symbols"))).items,
    staleTime: 60_000,
  });
}

/** The range as the gateway takes it: from the first moment of the first day to the end of the last one. */
export function rangeOf({ start, end }: Pick<ChartSettings, "start" | "end">): { start?: string; end?: string } {
  return {
    ...(start === "" ? {} : { start: `${start}T00:00:00Z` }),
    ...(end === "" ? {} : { end: new Date(Date.parse(`${end}T00:00:00Z`) + DAY_MS).toISOString() }),
  };
}

export interface CandleRead {
  candles: readonly Candle[];
  query: { data: unknown; error: unknown; isPending: boolean; dataUpdatedAt: number; refetch: () => unknown };
  /** Read older candles; undefined: there are none, or enough are held. */
  older: (() => void) | undefined;
}

const NONE: readonly Candle[] = [];

function keyOf({ exchange, symbol, timeframe, limit, start, end }: ChartSettings) {
  return ["candles", exchange, symbol, timeframe, limit, start, end] as const;
}

/** Stored candles, the newest first page and older ones on demand; new ones are added as they close. */
export function useCandles(settings: ChartSettings, isLive: boolean): CandleRead {
  const { exchange, symbol, timeframe, limit } = settings;
  const query = useInfiniteQuery({
    queryKey: keyOf(settings),
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      call(
        api.GET("/market/candles", {
          params: {
            query: {
              exchange: exchange ?? "",
              symbol: symbol ?? "",
              timeframe,
              limit: pageParam === "" ? limit : Math.min(Math.max(limit, 1000), PAGE_MAX),
              ...rangeOf(settings),
              ...(pageParam === "" ? { include_open: true } : { cursor: pageParam }),
            },
          },
        }),
      ),
    getNextPageParam: (last: CandlePage) => last.next_cursor ?? undefined,
    enabled: exchange !== null && symbol !== null,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  useNewCandles(keyOf(settings), settings, isLive);
  const { data, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = query;
  const candles = useMemo(() => (data === undefined ? NONE : joined(data)), [data]);
  const wanted = hasNextPage && !isFetchingNextPage && !isFetchNextPageError && candles.length < CANDLES_MAX;
  return { candles, query, older: wanted ? () => void fetchNextPage() : undefined };
}

/** The candles of all pages, ascending. */
function joined({ pages }: InfiniteData<CandlePage>): Candle[] {
  return pages.toReversed().flatMap((page) => page.items);
}

export interface Traded {
  deals: readonly Deal[];
  orders: readonly Order[];
  positions: readonly Position[];
  signals: readonly Signal[];
}

const TRADED = "chart traded";
/** Rows of one kind that are read at most. */
const ROWS_MAX = 1000;

/** What the accounts did with the symbol while these candles were made. */
export function useTraded(accounts: string, settings: ChartSettings, candles: readonly Candle[]) {
  const first = candles[0];
  const last = candles.at(-1);
  const since = first?.time ?? "";
  const until = last === undefined || settings.end === "" ? "" : new Date(closeOf(millisecondsOf(last), settings.timeframe)).toISOString();
  const { overlays, symbol } = settings;
  const base = { account_ids: accounts, symbol: symbol ?? "", since, page_size: ROWS_MAX, with_total: false, ...(until === "" ? {} : { until }) };
  const ready = accounts !== "" && symbol !== null && since !== "";
  const read = <Row,>(name: string, wanted: boolean, queryFn: () => Promise<readonly Row[]>) => ({
    queryKey: [TRADED, name, accounts, symbol, since, until],
    queryFn,
    enabled: ready && wanted,
  });
  const deals = useQuery(
    read("deals", overlays.has("deals"), async () => (await call(api.GET("/oms/deals", { params: { query: base } }))).items as Deal[]),
  );
  const orders = useQuery(
    read("orders", overlays.has("orders"), async () => (await call(api.GET("/oms/orders/history", { params: { query: base } }))).items as Order[]),
  );
  const positions = useQuery(
    read("positions", overlays.has("positions"), async () => (await call(api.GET("/oms/positions/history", { params: { query: base } }))).items as unknown as Position[]),
  );
  const { since: _since, until: _until, ...plain } = base;
  const signals = useQuery(
    read("signals", overlays.has("signals"), async () => (await call(api.GET("/signals", { params: { query: { ...plain, since, ...(until === "" ? {} : { until }) } } }))).items),
  );
  const client = useQueryClient();
  useLiveEvents(["deal_updated", "position_updated", "order_updated"], ({ payload }) => {
    if (payload["symbol"] === symbol) void client.invalidateQueries({ queryKey: [TRADED] }, { cancelRefetch: false });
  });
  const error = deals.error ?? orders.error ?? positions.error ?? signals.error;
  return { rows: { deals: deals.data, orders: orders.data, positions: positions.data, signals: signals.data }, error };
}
