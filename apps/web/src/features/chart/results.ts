/** The result of a backtest as it was known when a candle closed; every figure comes from the gateway. */
import type { Details, Point, RoundTrip, TripRow } from "@/features/backtests/reads";
import type { RunEntry, StrategyRun } from "@/features/chart/run";
import type { ChartMarker } from "@/charts/candles/scene";
import { sign, sub, sum, type Decimal } from "@/lib/decimal";

export interface ResultAt {
  /** Of round trips that ended, of the position that is open, and of both; null: not known at that moment. */
  closed: Decimal | null;
  open: Decimal | null;
  total: Decimal | null;
  /** Round trips that ended. */
  trades: number;
  trips: readonly TripRow[];
  points: readonly Point[];
}

/** Everything of a run that is done; null: some of it is not read yet. */
export interface RunResult {
  run: Details;
  trips: readonly RoundTrip[];
  points: readonly Point[];
  /** The points are some of a longer curve. */
  isSampled: boolean;
}

/** What was known at `closedAt` in epoch milliseconds, when a candle closed; null: all of it. */
export function resultAt({ run, trips, points, isSampled }: RunResult, closedAt: number | null): ResultAt {
  if (closedAt === null) {
    return { closed: run.total_return, open: "0", total: run.total_return, trades: run.total_trades ?? 0, trips, points };
  }
  const known = points.filter((point) => Date.parse(point.timestamp) <= closedAt);
  const last = known.at(-1);
  const isAtClose = last !== undefined && Date.parse(last.timestamp) === closedAt;
  // At this very moment a level of the candle that closed may have ended a trip, or the next open did: the
  // position at the close says which.
  const isFlat = isAtClose && sign(last.position_value) === 0;
  const isOver = (trip: RoundTrip) => {
    const at = Date.parse(trip.exit_time);
    return at < closedAt || (at === closedAt && isFlat);
  };
  const begun = trips.filter((trip) => Date.parse(trip.entry_time) < closedAt);
  const ended = begun.filter(isOver);
  const closed = sum(ended.map((trip) => trip.pnl));
  const isExact = isAtClose || !isSampled;
  const total = last === undefined ? "0" : sub(last.total_equity, run.initial_balance ?? "0");
  return {
    closed,
    open: isExact ? sub(total, closed) : null,
    total: isExact ? total : null,
    trades: ended.length,
    trips: begun.map((trip) => (isOver(trip) ? trip : withoutEnd(trip))),
    points: known,
  };
}

function withoutEnd(trip: RoundTrip): TripRow {
  return { ...trip, exit_time: null, exit_price: null, pnl: null, pnl_pct: null, bars_held: null, exit_reason: null };
}

/** Whether a decision of the strategy began or ended this round trip. */
function belongsTo(entry: RunEntry, trip: TripRow): boolean {
  const filled = entry.fill_time === null ? Number.NaN : Date.parse(entry.fill_time);
  const isEntry = entry.direction === trip.side;
  const isExit = entry.direction === `${trip.side}_exit`;
  return (isEntry && filled === Date.parse(trip.entry_time)) || (isExit && trip.exit_time !== null && filled === Date.parse(trip.exit_time));
}

/** Ids of the markers of a round trip. */
export function markersOf(run: StrategyRun | undefined, trip: TripRow | undefined): ReadonlySet<string> {
  if (run === undefined || trip === undefined) return new Set();
  return new Set(run.entries.flatMap((entry, index) => (belongsTo(entry, trip) ? [markerId(entry, index)] : [])));
}

/** The number of the round trip that a marker belongs to; null: it belongs to none. */
export function tripOf(run: StrategyRun | undefined, trips: readonly TripRow[], marker: string): number | null {
  const entry = run?.entries.find((one, index) => markerId(one, index) === marker);
  return entry === undefined ? null : (trips.find((trip) => belongsTo(entry, trip))?.number ?? null);
}

export function markerId(entry: RunEntry, index: number): string {
  return `run ${index} ${entry.source_time} ${entry.direction}`;
}

/** The markers with those of the selection marked. */
export function withSelected(markers: readonly ChartMarker[], selected: ReadonlySet<string>): readonly ChartMarker[] {
  if (selected.size === 0) return markers;
  return markers.map((marker) => (selected.has(marker.id) ? { ...marker, isSelected: true } : marker));
}
