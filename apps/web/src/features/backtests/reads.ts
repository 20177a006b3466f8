/** Backtests: requested here, executed by the runner; their results. */
import { queryOptions, useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type Backtest = Schemas["Backtest"] & { id: number };
export type Details = Schemas["BacktestDetails"];
export type RoundTrip = Schemas["RoundTrip"] & { id: number };
/** A round trip, or what is known of one that has not ended yet. */
export type TripRow = Omit<RoundTrip, EndField> & { [Field in EndField]: RoundTrip[Field] | null };
type EndField = "exit_time" | "exit_price" | "pnl" | "pnl_pct" | "bars_held" | "exit_reason";
export type Point = Schemas["Point"];
export type Comparison = Schemas["Comparison"];
export type RunRequest = Schemas["BacktestRequest"];
export type SweepRequest = Schemas["SweepRequest"];

export const BACKTESTS_QUERY = ["backtests"] as const;
/** While a run is queued or running its row is read so often. */
const PROGRESS_MS = 1000;
const PAGE = 200;

/** What a list can be ranked by. */
export const RANKS = [
  "total_return_pct",
  "cagr_pct",
  "sharpe_ratio",
  "sortino_ratio",
  "max_drawdown",
  "profit_factor",
  "win_rate",
  "total_trades",
] as const;
export type Rank = (typeof RANKS)[number];

export function isUnderWay({ status }: Pick<Backtest, "status">): boolean {
  return status === "queued" || status === "running";
}

/** Runs, the newest first or the best by a figure; renewed while one is under way. */
export function useBacktests(rank: Rank | null, strategy: string | null) {
  return useInfiniteQuery({
    queryKey: [...BACKTESTS_QUERY, "list", rank, strategy],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      call(
        api.GET("/backtests", {
          params: {
            query: {
              limit: PAGE,
              ...(rank === null ? {} : { sort: rank }),
              ...(strategy === null ? {} : { strategy }),
              ...(pageParam === "" ? {} : { cursor: pageParam }),
            },
          },
        }),
      ),
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some(isUnderWay)) === true ? PROGRESS_MS : false,
  });
}

/** A run; without an id nothing is read. */
export function useBacktest(id: number | null) {
  return useQuery({
    queryKey: [...BACKTESTS_QUERY, id],
    queryFn: () => call(api.GET("/backtests/{run_id}", { params: { path: { run_id: id ?? 0 } } })),
    enabled: id !== null,
    refetchInterval: ({ state }) => (state.data !== undefined && isUnderWay(state.data) ? PROGRESS_MS : false),
  });
}

const ROUND_TRIPS_MAX = 10_000;
const ROUND_TRIPS_PAGE = 1000;

/** The positions of a run that is done, from their entries to their ends. */
export function useRoundTrips(id: number, enabled: boolean) {
  return useQuery(roundTripsQuery(id, enabled));
}

/** The positions of several runs. */
export function useRoundTripsOf(ids: readonly number[]) {
  return useQueries({ queries: ids.map((id) => roundTripsQuery(id, true)) });
}

function roundTripsQuery(id: number, enabled: boolean) {
  return queryOptions({
    queryKey: [...BACKTESTS_QUERY, id, "round trips"],
    queryFn: async (): Promise<RoundTrip[]> => {
      const rows: RoundTrip[] = [];
      let cursor = "";
      do {
        const query = { limit: ROUND_TRIPS_PAGE, ...(cursor === "" ? {} : { cursor }) };
        // Each page begins where the one before ended.
        // oxlint-disable-next-line no-await-in-loop
        const page = await call(api.GET("/backtests/{run_id}/round-trips", { params: { path: { run_id: id }, query } }));
        rows.push(...page.items.map((row) => ({ ...row, id: row.number })));
        cursor = page.next_cursor ?? "";
      } while (cursor !== "" && rows.length < ROUND_TRIPS_MAX);
      return rows;
    },
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function useRunEquity(id: number, enabled: boolean) {
  return useQuery({
    queryKey: [...BACKTESTS_QUERY, id, "equity"],
    queryFn: () => call(api.GET("/backtests/{run_id}/equity", { params: { path: { run_id: id } } })),
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function useComparison(ids: readonly number[]) {
  return useQuery({
    queryKey: [...BACKTESTS_QUERY, "compare", ids],
    queryFn: () => call(api.GET("/backtests/compare", { params: { query: { ids: ids.join(",") } } })),
    enabled: ids.length > 1,
  });
}

/** Queue a run; returns its id. Throws `ApiError`. */
export async function requestRun(body: RunRequest): Promise<number> {
  const answer: unknown = await call(api.POST("/backtests", { body }));
  return (answer as Schemas["BacktestRequested"]).run_id;
}

/** Queue the runs of all combinations of parameters; returns the id of the sweep. Throws `ApiError`. */
export async function requestSweep(body: SweepRequest): Promise<number> {
  const answer: unknown = await call(api.POST("/backtests/sweep", { body }));
  return (answer as Schemas["BacktestRequested"]).run_id;
}

/** Cancel a run that has not ended, or remove one that has. Throws `ApiError`. */
export async function deleteRun(id: number): Promise<void> {
  await call(api.DELETE("/backtests/{run_id}", { params: { path: { run_id: id } } }));
}
