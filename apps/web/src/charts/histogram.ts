/** Counts of results by their size, for drawing alone. */
import type { Decimal } from "@/lib/decimal";

export interface HistogramBar {
  /** The lower bound; results of 0 or more and losses are never in one bar. */
  from: number;
  count: number;
}

/** Bars on the larger side of 0. */
const BARS = 8;

/** Equally wide bars around 0 that hold all results, the worst first; none without two different results. */
export function histogramOf(results: readonly Decimal[]): HistogramBar[] {
  const values = results.map(Number);
  const largest = Math.max(...values.map(Math.abs));
  if (new Set(values).size < 2 || !Number.isFinite(largest)) return [];
  const width = largest / BARS;
  const indexOf = (value: number) => Math.min(Math.max(Math.floor(value / width), -BARS), BARS - 1);
  const indexes = values.map(indexOf);
  const first = Math.min(...indexes);
  const bars = Array.from({ length: Math.max(...indexes) - first + 1 }, (_, bar) => ({ from: (first + bar) * width, count: 0 }));
  for (const index of indexes) (bars[index - first] as HistogramBar).count += 1;
  return bars;
}
