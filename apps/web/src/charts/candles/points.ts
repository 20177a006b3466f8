/** Candles and lines as the points of the chart's series, and which of them are new. */
import type { UTCTimestamp } from "lightweight-charts";
import { withOpacity } from "@/charts/candles/options";
import type { Candle, ChartLine, Scene, Slot } from "@/charts/candles/scene";

/** A line with another key is another series. */
export function keyOf(line: ChartLine): string {
  return `${line.id} ${line.colour} ${line.width} ${line.kind} ${line.pane ?? ""}`;
}

/** How many candles came after those of `before` whose last one may differ; null: others differ, too. */
export function addedAtEnd(before: Scene, scene: Scene): number | null {
  const [old, now] = [before.candles, scene.candles];
  const added = now.length - old.length;
  const same = old.length - 2;
  if (old.length === 0 || added < 0 || added > 50 || before.step !== scene.step) return null;
  if (before.showsVolume !== scene.showsVolume || before.lines.length !== scene.lines.length) return null;
  if (!scene.lines.every((line, index) => keyOf(line) === keyOf(before.lines[index] ?? line))) return null;
  if (old[0] !== now[0] || (same >= 0 && old[same] !== now[same])) return null;
  return old.at(-1)?.time === now[old.length - 1]?.time ? added : null;
}

export function candleAt({ time, index }: Slot, { candles }: Scene) {
  const candle: Candle | undefined = index === null ? undefined : candles[index];
  const at = time as UTCTimestamp;
  if (candle === undefined) return { time: at };
  const { open, high, low, close } = candle;
  return { time: at, open: Number(open), high: Number(high), low: Number(low), close: Number(close) };
}

export function volumeAt({ time, index }: Slot, { candles }: Scene) {
  const candle: Candle | undefined = index === null ? undefined : candles[index];
  const at = time as UTCTimestamp;
  if (candle === undefined || candle.volume === null) return { time: at };
  const rose = Number(candle.close) >= Number(candle.open);
  return { time: at, value: Number(candle.volume), color: withOpacity(rose ? "candle-up" : "candle-down") };
}

export function valueAt({ time, index }: Slot, { values }: ChartLine) {
  const value = index === null ? null : (values[index] ?? null);
  const at = time as UTCTimestamp;
  return value === null ? { time: at } : { time: at, value };
}
