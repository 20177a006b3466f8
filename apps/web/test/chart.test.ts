/** The chart's settings, what of a scene is known when, and its playback. */
import { describe, expect, it } from "vitest";
import { candleOf, closeOf, gapsOf, indexAt, markedCandles, sceneAt, slotsOf, type Candle, type ChartMarker, type Scene } from "@/charts/candles/scene";
import { addedAtEnd } from "@/charts/candles/points";
import { onTick } from "@/charts/candles/levels";
import { indicatorLines, indicatorsText, readIndicators } from "@/features/chart/indicators";
import { withCandle } from "@/features/chart/candleFeed";
import { advance, cursorIndex, PRESENT, seek, toggle } from "@/features/chart/replay";
import { directionsText, limitOf, overlaysText, readSettings } from "@/features/chart/settings";
import { positionAt } from "@/features/chart/StatusPanel";
import type { RunEntry } from "@/features/chart/run";

const START = Date.parse("2026-03-01T00:00:00Z");
const HOUR = 3_600_000;

function candle(hour: number, close = "100"): Candle {
  const time = new Date(START + hour * HOUR).toISOString();
  return { time, open: close, high: close, low: close, close, volume: "1", is_closed: true };
}

function scene(candles: readonly Candle[], part: Partial<Scene> = {}): Scene {
  return { candles, timeframe: "1h", step: 3600, lines: [], markers: [], segments: [], levels: [], showsVolume: true, tick: "0.01", ...part };
}

describe("the settings", () => {
  it("come back from their own text", () => {
    const ind = "sma.50.yellow.2,macd.12-26-9.blue.1";
    expect(indicatorsText(readIndicators(ind))).toBe(ind);
    expect(overlaysText(readSettings({}).overlays)).toBeUndefined();
    expect(overlaysText(new Set())).toBe("none");
    expect(readSettings({ show: "none" }).overlays.size).toBe(0);
    expect(directionsText(readSettings({ dir: "long,short" }).directions)).toBe("long,short");
  });

  it("leave out what is not understood", () => {
    expect(readIndicators("sma.0.yellow.2,nope.5.blue.1,rsi.14.pink.9,sma.5.6")).toEqual([
      { kind: "rsi", lengths: [14], colour: "pink", width: 2 },
      { kind: "sma", lengths: [5], colour: "yellow", width: 2 },
    ]);
    const read = readSettings({ tf: "7m", cursor: "soon", start: "2026-13-01", run: "x", limit: "7" });
    expect(read).toMatchObject({ timeframe: "1h", cursor: null, start: "", run: null, limit: 100 });
  });

  it.each([
    [undefined, 500],
    ["1", 100],
    ["777", 800],
    ["99999", 2000],
    ["abc", 500],
  ])("take %s candles as %d", (text, count) => expect(limitOf(text)).toBe(count));
});

describe("a scene", () => {
  const candles = [0, 1, 2, 5, 6].map((hour) => candle(hour));

  it("draws missing candles as empty places and counts them", () => {
    const slots = slotsOf(candles, 3600);
    expect(slots.map((slot) => slot.index)).toEqual([0, 1, 2, null, null, 3, 4]);
    expect(gapsOf(candles, 3600)).toEqual({ places: 1, missing: 2 });
    expect(slotsOf(candles, null)).toHaveLength(5);
  });

  it("finds the candle of a moment, and none in a gap, before the first and after the last", () => {
    const whole = scene(candles);
    expect(indexAt(candles, START - 1)).toBe(-1);
    expect(candleOf(whole, START + HOUR - 1)?.time).toBe(candles[0]?.time);
    expect(candleOf(whole, START + HOUR)?.time).toBe(candles[1]?.time);
    expect(candleOf(whole, START + 3 * HOUR)).toBeUndefined();
    expect(candleOf(whole, START + 7 * HOUR)).toBeUndefined();
    expect(closeOf(Date.parse("2026-02-01T00:00:00Z"), "1M")).toBe(Date.parse("2026-03-01T00:00:00Z"));
  });

  it("keeps nothing that is known later than the close of its last candle", () => {
    const marker = { id: "a", place: "above", shape: "circle", colour: "up", text: "x" } as const;
    const whole = scene(candles, {
      lines: [{ id: "l", label: "L", colour: "up", width: 1, kind: "line", pane: null, values: [1, 2, 3, 4, 5] }],
      markers: [0, 1, 2].map((hour) => ({ ...marker, at: START + hour * HOUR, knownAt: START + (hour + 1) * HOUR })),
      segments: [
        { id: "1", from: { at: START + 1, price: 1 }, to: { at: START + 5 * HOUR, price: 2 }, colour: "up" },
        { id: "2", from: { at: START + 5 * HOUR, price: 1 }, to: null, colour: "up" },
      ],
      levels: [{ id: "s", price: "1", label: "Stop", colour: "down", moves: true }],
    });
    const cut = sceneAt(whole, 1, START + 2 * HOUR);
    expect(cut.candles).toHaveLength(2);
    expect(cut.lines[0]?.values).toEqual([1, 2]);
    expect(cut.markers.map((one) => one.at)).toEqual([START, START + HOUR]);
    expect(cut.segments).toEqual([{ id: "1", from: { at: START + 1, price: 1 }, to: null, colour: "muted" }]);
    expect(cut.levels).toEqual([]);
  });

  it("distinguishes candles that were added at the end from all other changes", () => {
    const more = [...candles, candle(7)];
    expect(addedAtEnd(scene(candles), scene(more))).toBe(1);
    expect(addedAtEnd(scene(candles), scene([...candles.slice(0, 4), candle(6, "101")]))).toBe(0);
    expect(addedAtEnd(scene(more), scene(candles))).toBeNull();
    expect(addedAtEnd(scene(candles), scene([candle(-1), ...candles]))).toBeNull();
    expect(addedAtEnd(scene(candles), scene(candles, { showsVolume: false }))).toBeNull();
  });

  it("takes a new candle at its time; a closed one stays closed", () => {
    expect(withCandle(candles, candle(7)).at(-1)?.time).toBe(candle(7).time);
    expect(withCandle(candles, candle(6, "101")).map((one) => one.close)).toEqual(["100", "100", "100", "100", "101"]);
    expect(withCandle(candles, { ...candle(6, "102"), is_closed: false })).toEqual(candles);
    expect(withCandle(candles, candle(3)).map((one) => one.time)).toEqual([0, 1, 2, 3, 5, 6].map((hour) => candle(hour).time));
  });
});

it("marks each candle once where something was traded, and none before the first", () => {
  const candles = [0, 1, 2, 3].map((hour) => candle(hour));
  const markers = [2, 2.5, -1, 1, 9].map((hour) => ({ at: START + hour * HOUR }) as ChartMarker);
  expect(markedCandles({ candles, markers })).toEqual([1, 2, 3]);
});

describe("the playback", () => {
  const candles = [0, 1, 2, 3].map((hour) => candle(hour));

  it("has the last candle that opened at or before the cursor", () => {
    expect(cursorIndex(candles, PRESENT)).toBe(3);
    expect(cursorIndex(candles, { at: START + 2 * HOUR - 1, isPlaying: false })).toBe(1);
    expect(cursorIndex(candles, { at: START - 1, isPlaying: false })).toBe(0);
  });

  it("starts again at the end, stops there, and keeps within the candles", () => {
    const again = toggle(candles, seek(candles, 3));
    expect(again).toEqual({ at: START, isPlaying: true });
    const end = advance(candles, again, 50);
    expect(end).toEqual({ at: START + 3 * HOUR, isPlaying: false });
    expect(toggle(candles, again).isPlaying).toBe(false);
    expect(toggle(candles, seek(candles, 1))).toEqual({ at: START + HOUR, isPlaying: true });
    expect(seek(candles, -5).at).toBe(START);
    expect(toggle([], PRESENT)).toEqual(PRESENT);
  });
});

function entry(direction: RunEntry["direction"], hour: number): RunEntry {
  return {
    time: "",
    source_time: candle(hour).time,
    decision_time: candle(hour + 1).time,
    direction,
    price: 1,
    fill_time: candle(hour + 1).time,
    fill_price: 2,
    reason: "signal",
  };
}

it("holds the position of a decision from the candle that fills it on", () => {
  const entries = [entry("long", 0), entry("long_exit", 2)];
  expect(positionAt(entries, START + HOUR)).toBeNull();
  expect(positionAt(entries, START + 2 * HOUR)?.direction).toBe("long");
  expect(positionAt(entries, START + 4 * HOUR)).toBeNull();
});

it.each([
  [100.126, "0.01", "100.13"],
  [100.126, "0.5", "100.0"],
  [61234.4, "1", "61234"],
])("a line dropped at %d with steps of %s is at %s", (price, tick, expected) => expect(onTick(price, tick)).toBe(expected));

it("draws an indicator in the pane of its kind", () => {
  const candles = Array.from({ length: 40 }, (_unused, hour) => candle(hour, String(100 + hour)));
  const lines = indicatorLines(readIndicators("sma.3.yellow.2,rsi.14.blue.1,macd.12-26-9.cyan.1"), candles);
  expect(lines.map((line) => [line.id, line.pane, line.kind])).toEqual([
    ["sma3", null, "line"],
    ["rsi14", "rsi14", "line"],
    ["macd12-26-9h", "macd12-26-9", "bars"],
    ["macd12-26-9", "macd12-26-9", "line"],
    ["macd12-26-9s", "macd12-26-9", "line"],
  ]);
  expect(lines[0]?.values[2]).toBe(101);
  expect(lines[1]?.values[14]).toBe(100);
});
