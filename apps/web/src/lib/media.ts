import { useSyncExternalStore } from "react";

/** Whether a media query holds; renders again when that changes. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const list = globalThis.matchMedia(query);
      list.addEventListener("change", listener);
      return () => list.removeEventListener("change", listener);
    },
    () => globalThis.matchMedia(query).matches,
  );
}

export const PHONE = "(max-width: 639px)";
export const NARROW = "(max-width: 1439px)";
