import { useCallback, useState } from "react";
import type { Column } from "@/kit/grid/types";

/** The width of an element, and the ref that measures it. */
export function useWidth(): [(element: HTMLElement | null) => (() => void) | undefined, number] {
  const [width, setWidth] = useState(Number.POSITIVE_INFINITY);
  const ref = useCallback((element: HTMLElement | null) => {
    if (element === null) return undefined;
    // Before the first rows are drawn: all columns, and then those that fit, would be drawn twice.
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(([entry]) => entry !== undefined && setWidth(entry.contentRect.width));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

/** The columns that fit: those of priority 4 leave first, from the end, then those of 3. */
export function fittingColumns<Row>(columns: readonly Column<Row>[], width: number): readonly Column<Row>[] {
  const shown = [...columns];
  let needed = shown.reduce((total, column) => total + column.width, 0);
  for (const priority of [4, 3]) {
    for (let index = shown.length - 1; index >= 0 && needed > width; index -= 1) {
      const column = shown[index];
      if (column?.priority !== priority) continue;
      needed -= column.width;
      shown.splice(index, 1);
    }
  }
  return shown;
}
