/** The backtest whose trades the chart lists. */
import { useMemo } from "react";
import { useBacktest, useRoundTrips, useRunEquity, type Details } from "@/features/backtests/reads";
import type { RunResult } from "@/features/chart/results";
import type { ChartSettings } from "@/features/chart/settings";

export interface ResultRead {
  /** The run, if it is one of the strategy and the series that are shown. */
  run: Details | undefined;
  /** The run is read, or there is none. */
  isRead: boolean;
  /** Its result, once it is done and read. */
  result: RunResult | null;
  error: Error | null;
}

/** The run of the settings; without one nothing is read. */
export function useResult(settings: ChartSettings): ResultRead {
  const read = useBacktest(settings.run);
  const run = read.data !== undefined && isOf(read.data, settings) ? read.data : undefined;
  const isDone = run?.status === "done" && run.kind === "run";
  const trips = useRoundTrips(settings.run ?? 0, isDone);
  const equity = useRunEquity(settings.run ?? 0, isDone);
  const result = useMemo(() => {
    if (run === undefined || !isDone || trips.data === undefined || equity.data === undefined) return null;
    return { run, trips: trips.data, points: equity.data.items, isSampled: equity.data.sampled };
  }, [run, isDone, trips.data, equity.data]);
  const isRead = settings.run === null || read.data !== undefined || read.error !== null;
  return { run, isRead, result, error: read.error ?? trips.error ?? equity.error };
}

function isOf(run: Details, { strategy, exchange, symbol }: ChartSettings): boolean {
  return run.strategy === strategy && run.exchange === exchange && run.symbol === symbol;
}
