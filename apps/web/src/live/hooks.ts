import { useEffect, useEffectEvent, useSyncExternalStore } from "react";
import type { Frame } from "@/live/frames";
import { onEvents } from "@/live/live";
import type { LiveRow, RowStore } from "@/live/rows";

/** All rows of a live store; renders when rows come, go or change as a whole, else once a second. */
export function useLiveRows<Row extends LiveRow>(store: RowStore<Row>): readonly Row[] {
  return useSyncExternalStore(store.subscribe, store.rows);
}

/** Call `listener` for each live event of these names while the component is shown. */
export function useLiveEvents(names: readonly string[], listener: (frame: Frame) => void): void {
  const current = useEffectEvent(listener);
  const key = names.join(" ");
  useEffect(() => onEvents(key.split(" "), (frame) => current(frame)), [key]);
}
