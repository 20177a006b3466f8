import { useState, type KeyboardEvent } from "react";
import { preferences } from "@/lib/preferences";
import type { GridRowData } from "@/kit/grid/types";

interface Options<Row extends GridRowData> {
  rows: readonly Row[];
  scrollTo: (row: Row) => void;
  onOpen: ((row: Row) => void) | undefined;
  onAct: ((row: Row) => void) | undefined;
  onToggle: ((row: Row) => void) | undefined;
}

const MOVES: Record<string, number> = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 };

/** J and K or arrows move, Enter opens, Space selects, X acts on the row in focus. */
export function useGridKeys<Row extends GridRowData>(options: Options<Row>) {
  const { rows, scrollTo, onOpen, onAct, onToggle } = options;
  const [focusedId, setFocusedId] = useState<number | null>(null);

  const move = (to: number) => {
    const index = Math.max(0, Math.min(rows.length - 1, to));
    const row = rows[index];
    if (row === undefined) return;
    setFocusedId(row.id);
    scrollTo(row);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const onRows = event.target === event.currentTarget;
    if (!onRows || event.ctrlKey || event.metaKey || event.altKey) return;
    const single = event.key.length === 1 && event.key !== " ";
    if (single && !preferences.get().singleKeyShortcuts) return;
    const index = rows.findIndex((row) => row.id === focusedId);
    const row = rows[index];
    const by = MOVES[event.key];
    if (by !== undefined) move(index < 0 ? 0 : index + by);
    else if (event.key === "Home") move(0);
    else if (event.key === "End") move(rows.length - 1);
    else if (row === undefined) return;
    else if (event.key === "Enter") onOpen?.(row);
    else if (event.key === "x") onAct?.(row);
    else if (event.key === " ") onToggle?.(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return { focusedId, setFocusedId, onKeyDown };
}
