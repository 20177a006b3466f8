/** The last frames of the stream, kept while someone looks at them. */
import { onEveryFrame } from "@/live/live";
import type { Frame } from "@/live/frames";
import { Store } from "@/lib/store";

export interface LoggedFrame {
  id: number;
  /** When it came, in milliseconds. */
  at: number;
  frame: Frame;
}

const KEPT = 500;

/** Keep frames in `log`, the newest first, until the returned function is called. */
export function logFrames(log: Store<readonly LoggedFrame[]>): () => void {
  return onEveryFrame((frame) => {
    log.update((before) => [{ id: (before[0]?.id ?? 0) + 1, at: Date.now(), frame }, ...before].slice(0, KEPT));
  });
}
