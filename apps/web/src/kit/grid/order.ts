/** Sorting of grid rows: exact for decimals, missing values last, and held still on demand. */
import { cmp } from "@/lib/decimal";
import type { ColumnKind } from "@/kit/grid/types";

export type CellValue = string | number | null;

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Compare two present values of a column. */
export function compareValues(kind: ColumnKind, a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (kind === "decimal") return cmp(String(a), String(b));
  if (kind === "time") return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
  return collator.compare(String(a), String(b));
}

/**
 * The order to show while it is held: rows that were there keep their places, those that left are
 * left out, new ones follow at the end.
 */
export function heldOrder(before: readonly number[], now: readonly number[]): number[] {
  const present = new Set(now);
  const kept = before.filter((id) => present.has(id));
  const known = new Set(kept);
  return [...kept, ...now.filter((id) => !known.has(id))];
}

/** The order last shown; the same rows asked for twice are given in the same order. */
export class ShownOrder {
  private ids: readonly number[] = [];

  next<Row extends { id: number }>(sorted: readonly Row[], held: boolean): readonly Row[] {
    const now = sorted.map((row) => row.id);
    if (!held) {
      this.ids = now;
      return sorted;
    }
    this.ids = heldOrder(this.ids, now);
    const byId = new Map(sorted.map((row) => [row.id, row]));
    return this.ids.flatMap((id) => byId.get(id) ?? []);
  }
}
