import { useEffect, useEffectEvent, useMemo, useRef, useState } from "react";
import type { Candle } from "@/charts/candles/scene";
import { advance, cursorIndex, PRESENT, seek, toggle, USUAL_SPEED, type Playback, type Speed } from "@/features/chart/replay";
import { useShortcut } from "@/lib/shortcuts";

const STEP = 10;
/** After a pause of the browser no more candles than this are made up for. */
const CATCH_UP_MAX = 10;

export interface Replay {
  index: number;
  isReplay: boolean;
  isPlaying: boolean;
  speed: Speed;
  setSpeed: (speed: Speed) => void;
  toggle: () => void;
  /** Pause at this candle. */
  seek: (index: number) => void;
  /** Back to the present. */
  exit: () => void;
}

/**
 * The playback of the candles. `cursor` is the instant in the URL; `onCursor` keeps it there, when
 * playing pauses and not at each candle, which browsers refuse.
 */
export function useReplay(candles: readonly Candle[], cursor: string | null, onCursor: (cursor: string | null) => void): Replay {
  const [playback, setPlayback] = useState<Playback>(() => ({ ...PRESENT, at: cursor === null ? null : Date.parse(cursor) }));
  const [speed, setSpeed] = useState<Speed>(USUAL_SPEED);
  const kept = useRef(cursor);

  // Another cursor in the URL than this hook put there: a link, or the way back.
  useEffect(() => {
    if (cursor === kept.current) return;
    kept.current = cursor;
    setPlayback({ at: cursor === null ? null : Date.parse(cursor), isPlaying: false });
  }, [cursor]);

  const keep = useEffectEvent((at: number | null) => {
    const text = at === null ? null : new Date(at).toISOString();
    if (text === kept.current) return;
    kept.current = text;
    onCursor(text);
  });
  useEffect(() => {
    if (!playback.isPlaying) keep(playback.at);
  }, [playback]);

  const step = useEffectEvent((count: number) => setPlayback((now) => advance(candles, now, count)));
  const { isPlaying } = playback;
  useEffect(() => {
    if (!isPlaying) return undefined;
    let due = 0;
    let before = performance.now();
    let frame = requestAnimationFrame(function tick(now) {
      due = Math.min(due + ((now - before) / 1000) * speed, CATCH_UP_MAX);
      before = now;
      const whole = Math.floor(due);
      due -= whole;
      if (whole > 0) step(whole);
      frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [isPlaying, speed]);

  const index = cursorIndex(candles, playback);
  const actions = useMemo(
    () => ({
      toggle: () => setPlayback((now) => toggle(candles, now)),
      seek: (to: number) => setPlayback(seek(candles, to)),
      exit: () => setPlayback(PRESENT),
    }),
    [candles],
  );
  useKeys(candles.length, index, actions);
  return { index, isReplay: playback.at !== null, isPlaying, speed, setSpeed, ...actions };
}

function useKeys(count: number, index: number, actions: Pick<Replay, "toggle" | "seek">): void {
  const enabled = count > 0;
  useShortcut(" ", actions.toggle, enabled);
  useShortcut("ArrowLeft", () => actions.seek(index - 1), enabled);
  useShortcut("ArrowRight", () => actions.seek(index + 1), enabled);
  useShortcut("shift+ArrowLeft", () => actions.seek(index - STEP), enabled);
  useShortcut("shift+ArrowRight", () => actions.seek(index + STEP), enabled);
  useShortcut("Home", () => actions.seek(0), enabled);
  useShortcut("End", () => actions.seek(count - 1), enabled);
}
