/** What a candle chart draws, and how much of it is known at a candle: all of it follows from these rows. */
import type { Decimal } from "@/lib/decimal";

/** A candle as the gateway sends it. */
export interface Candle {
  time: string;
  open: Decimal;
  high: Decimal;
  low: Decimal;
  close: Decimal;
  volume: Decimal | null;
  is_closed: boolean;
}

/** A colour by its token, such as `up` or `series-2`. */
export type Colour = string;

/** A line or a row of bars; one value for each candle. */
export interface ChartLine {
  id: string;
  label: string;
  colour: Colour;
  width: 1 | 2 | 3 | 4;
  kind: "line" | "bars";
  /** Lines with the same name share a pane below the candles; null: over the candles. */
  pane: string | null;
  values: readonly (number | null)[];
}

export interface ChartMarker {
  id: string;
  /** Epoch milliseconds: the candle that contains it carries the marker. */
  at: number;
  /** Epoch milliseconds from which on it is known. */
  knownAt: number;
  place: "above" | "below";
  shape: "arrowUp" | "arrowDown" | "circle" | "square";
  colour: Colour;
  text: string;
  /** Of what is selected: larger than the others. */
  isSelected?: boolean;
}

/** A position from its entry to its exit; null: not closed. */
export interface ChartSegment {
  id: string;
  from: { at: number; price: number };
  to: { at: number; price: number } | null;
  colour: Colour;
}

/** A price that something waits at. */
export interface ChartLevel {
  id: string;
  price: Decimal;
  label: string;
  colour: Colour;
  /** It can be dragged to another price. */
  moves: boolean;
}

/** The candles that markers are at, by index, ascending. */
export function markedCandles({ candles, markers }: Pick<Scene, "candles" | "markers">): number[] {
  return [...new Set(markers.map((marker) => indexAt(candles, marker.at)))].filter((index) => index >= 0).toSorted((a, b) => a - b);
}

export interface Scene {
  candles: readonly Candle[];
  timeframe: string;
  /** Seconds from open to open; null: they are not equally far apart, so that gaps are not drawn. */
  step: number | null;
  lines: readonly ChartLine[];
  markers: readonly ChartMarker[];
  segments: readonly ChartSegment[];
  levels: readonly ChartLevel[];
  showsVolume: boolean;
  /** The smallest change of the price, such as `0.01`. */
  tick: Decimal;
}

/** Missing candles of one gap that are drawn as empty space; a longer one is cut. */
const EMPTY_MAX = 500;

export function millisecondsOf(candle: Candle): number {
  return Date.parse(candle.time);
}

/** A place on the time axis: of a candle, or of a missing one. */
export interface Slot {
  /** Epoch seconds. */
  time: number;
  /** Index of the candle; null: there is none. */
  index: number | null;
}

/** The places of candles, with those of missing ones between them. */
export function slotsOf(candles: readonly Candle[], step: number | null): Slot[] {
  const slots: Slot[] = [];
  for (const [index, candle] of candles.entries()) {
    const time = millisecondsOf(candle) / 1000;
    const before = slots.at(-1);
    if (step !== null && before !== undefined) {
      const missing = Math.min(Math.round((time - before.time) / step) - 1, EMPTY_MAX);
      for (let count = 1; count <= missing; count += 1) slots.push({ time: before.time + count * step, index: null });
    }
    slots.push({ time, index });
  }
  return slots;
}

/** How many candles are missing between those given, and in how many places. */
export function gapsOf(candles: readonly Candle[], step: number | null): { places: number; missing: number } {
  let places = 0;
  let missing = 0;
  if (step === null) return { places, missing };
  for (let index = 1; index < candles.length; index += 1) {
    const [before, candle] = [candles[index - 1], candles[index]];
    if (before === undefined || candle === undefined) continue;
    const absent = Math.round((millisecondsOf(candle) - millisecondsOf(before)) / 1000 / step) - 1;
    if (absent > 0) {
      places += 1;
      missing += absent;
    }
  }
  return { places, missing };
}

/** Index of the last candle that opened at or before `at`; -1: none did. */
export function indexAt(candles: readonly Candle[], at: number): number {
  let low = 0;
  let high = candles.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const candle = candles[middle];
    if (candle !== undefined && millisecondsOf(candle) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The candle that contains the moment `at`; undefined: it is missing. */
export function candleOf({ candles, timeframe }: Scene, at: number): Candle | undefined {
  const candle = candles[indexAt(candles, at)];
  return candle !== undefined && at < closeOf(millisecondsOf(candle), timeframe) ? candle : undefined;
}

/** The length of a candle in seconds; null: of months, which differ. */
const SECONDS: Record<string, number> = {
  "1m": 60,
  "5m": 300,
  "15m": 900,
  "30m": 1800,
  "1h": 3600,
  "4h": 14_400,
  "1d": 86_400,
  "1w": 604_800,
};

export function stepOf(timeframe: string): number | null {
  return SECONDS[timeframe] ?? null;
}

/** When a candle of this timeframe closes, in epoch milliseconds. */
export function closeOf(openMs: number, timeframe: string): number {
  const step = stepOf(timeframe);
  if (step !== null) return openMs + step * 1000;
  const open = new Date(openMs);
  return Date.UTC(open.getUTCFullYear(), open.getUTCMonth() + 1, 1);
}

/** What is known when the candle `index` closes: nothing of it is decided later. */
export function sceneAt(scene: Scene, index: number, closedAt: number): Scene {
  const { candles } = scene;
  return {
    ...scene,
    candles: candles.slice(0, index + 1),
    lines: scene.lines.map((line) => ({ ...line, values: line.values.slice(0, index + 1) })),
    markers: scene.markers.filter((marker) => marker.knownAt <= closedAt),
    segments: scene.segments
      // What happens at the moment of the close belongs to the next candle.
      .filter((segment) => segment.from.at < closedAt)
      .map((segment) =>
        segment.to !== null && segment.to.at >= closedAt ? { ...segment, to: null, colour: "muted" } : segment,
      ),
    // Levels are those of the present.
    levels: [],
  };
}
