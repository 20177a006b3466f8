/** What of a backtest is known at a candle, and which markers are of which trade. */
import { describe, expect, it } from "vitest";
import { byDay, byGroup, reasonOf } from "@/features/backtests/Breakdown";
import { openTrades } from "@/charts/curves";
import type { Details, Point, RoundTrip } from "@/features/backtests/reads";
import { fillCommand } from "@/features/candles/reads";
import { formingCandle } from "@/features/chart/candleFeed";
import { markersOf, markerId, resultAt, tripOf, type RunResult } from "@/features/chart/results";
import { withRunBars, type RunEntry, type StrategyRun } from "@/features/chart/run";
import { gridOf, parameterFields } from "@/features/research/parameters";

const at = (hour: number) => new Date(Date.UTC(2026, 2, 1, hour)).toISOString();
const ms = (hour: number) => Date.parse(at(hour));

function trip(number: number, from: number, to: number, pnl: string, exit_reason = "signal"): RoundTrip {
  return {
    id: number,
    number,
    side: "long",
    entry_time: at(from),
    entry_price: "100",
    exit_time: at(to),
    exit_price: "110",
    qty: "1",
    fees: "0",
    pnl,
    pnl_pct: 1,
    bars_held: to - from,
    exit_reason,
  };
}

function point(hour: number, equity: string, held = "0"): Point {
  return { timestamp: at(hour), close: "100", balance: "0", position_value: held, total_equity: equity };
}

const run = { initial_balance: "1000", total_return: "30", total_trades: 2 } as Details;
// The first trip is opened at 1 and closed by a stop within the candle that closes at 3; the second by the end.
const trips = [trip(1, 1, 3, "-10", "sl"), trip(2, 4, 6, "40", "end_of_data")];
const points = [point(1, "1000"), point(2, "1005", "1005"), point(3, "990"), point(4, "990"), point(5, "1010", "1010"), point(6, "1030")];
const result: RunResult = { run, trips, points, isSampled: false };

describe("the result at a candle", () => {
  it("is that of the gateway at the end", () => {
    expect(resultAt(result, null)).toMatchObject({ closed: "30", open: "0", total: "30", trades: 2 });
    expect(resultAt(result, ms(6))).toMatchObject({ closed: "30", open: "0", total: "30", trades: 2 });
  });

  it("has nothing of what follows", () => {
    const early = resultAt(result, ms(2));
    expect(early).toMatchObject({ closed: "0", open: "5", total: "5", trades: 0 });
    expect(early.trips).toEqual([{ ...trips[0], exit_time: null, exit_price: null, pnl: null, pnl_pct: null, bars_held: null, exit_reason: null }]);
    expect(early.points).toEqual(points.slice(0, 2));
    // The entry is at the open of the next candle.
    expect(resultAt(result, ms(1)).trips).toEqual([]);
    expect(resultAt(result, ms(4)).trips).toHaveLength(1);
  });

  it("knows a stop at the close of its candle, and an exit at the next open only then", () => {
    expect(resultAt(result, ms(3))).toMatchObject({ closed: "-10", open: "0", trades: 1 });
    const held = { ...result, points: [...points.slice(0, 2), point(3, "1010", "1010"), ...points.slice(3)] };
    expect(resultAt(held, ms(3))).toMatchObject({ closed: "0", open: "10", trades: 0 });
  });

  it("does not claim an open result between the points of a sample", () => {
    const sampled = { ...result, isSampled: true, points: [point(1, "1000"), point(6, "1030")] };
    expect(resultAt(sampled, ms(5))).toMatchObject({ closed: "-10", open: null, total: null, trades: 1 });
  });
});

function entry(direction: RunEntry["direction"], filled: number): RunEntry {
  const decided = { time: at(filled - 1), source_time: at(filled - 1), decision_time: at(filled) };
  return { ...decided, direction, price: 1, fill_time: at(filled), fill_price: 1, reason: "signal" };
}

it("trades and their markers find each other", () => {
  const entries = [entry("long", 1), entry("long_exit", 3), entry("long", 4), entry("short", 6)];
  const chart = { entries } as StrategyRun;
  const ids = entries.map(markerId);
  expect([...markersOf(chart, trips[0])]).toEqual(ids.slice(0, 2));
  expect([...markersOf(chart, trips[1])]).toEqual([ids[2]]);
  expect(ids.map((id) => tripOf(chart, trips, id))).toEqual([1, 1, 2, null]);
  expect(tripOf(chart, trips, "deal 7")).toBeNull();
});

it("trades are open from their entry to their exit, short ones below zero", () => {
  const short = { ...trip(2, 3, 6, "1"), side: "short" as const };
  expect(openTrades([trip(1, 1, 4, "1"), short])).toEqual({ times: [1, 3, 4, 6].map((hour) => ms(hour) / 1000), counts: [1, 0, -1, 0] });
});

it("results are counted by reason and day", () => {
  expect(byGroup([...trips, trip(3, 7, 8, "1", "sl")], reasonOf)).toEqual([
    { key: "sl", count: 2, wins: 1, pnl: "-9" },
    { key: "end_of_data", count: 1, wins: 1, pnl: "40" },
  ]);
  const days = byDay([...trips, trip(3, 20, 30, "1")], "USDT");
  expect(days.map((day) => [day.key, day.total_pnl, day.closed_positions])).toEqual([
    ["2026-03-01", "30", 2],
    ["2026-03-02", "1", 1],
  ]);
});

function sent(hour: number): [number, number, number, number, number, null][] {
  return [[ms(hour), 1e-7, 2, 0.5, 1.5, null]];
}

describe("candles that are not stored", () => {
  const stored = [0, 1].map((hour) => ({ time: at(hour), open: "1", high: "1", low: "1", close: "1", volume: "1", is_closed: true }));

  it("form after the last stored one only", () => {
    expect(formingCandle(stored, sent(2), "1h")).toEqual({
      time: at(2),
      open: "0.0000001",
      high: "2",
      low: "0.5",
      close: "1.5",
      volume: null,
      is_closed: false,
    });
    expect(formingCandle(stored, sent(3), "1h")).toBeUndefined();
    expect(formingCandle([], sent(2), "1h")).toBeUndefined();
  });

  it("are those of the run after them", () => {
    const bar = (hour: number) => ({ time: at(hour), open: 1, high: 2, low: 0.5, close: 1.5, volume: 3, is_closed: false });
    expect(withRunBars(stored, { candles: [bar(1), bar(2)] }).map((one) => [one.time, one.close])).toEqual([[at(0), "1"], [at(1), "1"], [at(2), "1.5"]]);
    expect(withRunBars(stored, undefined)).toBe(stored);
  });
});

it("the command that fills gaps quotes what a shell would read", () => {
  const series = { exchange: "binance", symbol: "BTC/USDT:USDT", timeframe: "1h" as const };
  expect(fillCommand(series)).toBe("oms candles gaps --fill --exchange binance --symbol BTC/USDT:USDT --timeframe 1h");
  expect(fillCommand({ ...series, symbol: "A'B C" })).toContain(String.raw`--symbol 'A'\''B C'`);
});

describe("the grid of a sweep", () => {
  const fields = parameterFields({
    properties: {
      fast: { type: "integer", default: 20, minimum: 1, maximum: 500 },
      ratio: { type: "string", default: "1.5", "x-minimum": "0", "x-maximum": "10" },
    },
  });

  it("has ranges and lists; one number is fixed", () => {
    expect(gridOf(fields, { fast: "5:30:5", ratio: "2" })).toEqual({ grid: { fast: "5:30:5" }, params: { ratio: "2" } });
    expect(gridOf(fields, { fast: "5, 10", ratio: "0.5,1.5" })).toEqual({ grid: { fast: [5, 10], ratio: ["0.5", "1.5"] }, params: {} });
  });

  it.each([{}, { fast: "7" }, { fast: "30:5:5" }, { fast: "5:30:0" }, { fast: "5:30" }, { fast: "0,5" }, { fast: "1.5,2" }, { ratio: "a,b" }])(
    "%o is none",
    (texts) => expect(gridOf(fields, texts as Record<string, string>)).toBeNull(),
  );
});
