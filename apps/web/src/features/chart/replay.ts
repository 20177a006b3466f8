/** Playback of candles: which one is the last that is known, and how it moves. Without clock or page. */
import { indexAt, millisecondsOf, type Candle } from "@/charts/candles/scene";

/** Candles per second. */
export const SPEEDS = [0.5, 1, 2, 4, 5, 10, 20, 60] as const;
export type Speed = (typeof SPEEDS)[number];
export const USUAL_SPEED: Speed = 2;

export interface Playback {
  /** The instant of the cursor in epoch milliseconds; null: not played back, all is shown. */
  at: number | null;
  isPlaying: boolean;
}

export const PRESENT: Playback = { at: null, isPlaying: false };

/** The candle of the cursor: the last that opened at or before it, at least the first. */
export function cursorIndex(candles: readonly Candle[], { at }: Playback): number {
  return at === null ? candles.length - 1 : Math.max(0, indexAt(candles, at));
}

/** Paused at the candle `index`, which is kept within those there are. */
export function seek(candles: readonly Candle[], index: number): Playback {
  const candle = candles[Math.min(Math.max(index, 0), candles.length - 1)];
  return candle === undefined ? PRESENT : { at: millisecondsOf(candle), isPlaying: false };
}

/** Play or pause; at the end it starts again from the first candle. */
export function toggle(candles: readonly Candle[], playback: Playback): Playback {
  if (playback.isPlaying) return { ...playback, isPlaying: false };
  const index = cursorIndex(candles, playback);
  const start = seek(candles, index >= candles.length - 1 ? 0 : index);
  return start.at === null ? PRESENT : { ...start, isPlaying: true };
}

/** `count` candles on while playing; it stops at the last one. */
export function advance(candles: readonly Candle[], playback: Playback, count: number): Playback {
  if (!playback.isPlaying || count === 0) return playback;
  const index = Math.min(cursorIndex(candles, playback) + count, candles.length - 1);
  return { ...seek(candles, index), isPlaying: index < candles.length - 1 };
}
