/** Figures of curves as they are drawn, in floating point. */

/** How far each value is below the highest before it, in percent. */
export function drawdownsOf(values: readonly number[]): number[] {
  let peak = Number.NEGATIVE_INFINITY;
  return values.map((value) => {
    peak = Math.max(peak, value);
    return peak <= 0 ? 0 : ((peak - value) / peak) * 100;
  });
}

export interface Bin {
  from: number;
  to: number;
  count: number;
}

/** Values in `count` bins of equal width; 0 is the border of two of them. */
export function binsOf(values: readonly number[], count: number): Bin[] {
  if (values.length === 0) return [];
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const width = (high - low) / count || 1;
  const first = Math.floor(low / width);
  const last = Math.max(Math.ceil(high / width), first + 1);
  const bins = Array.from({ length: last - first }, (_unused, index): Bin => ({ from: (first + index) * width, to: (first + index + 1) * width, count: 0 }));
  for (const value of values) {
    const bin = bins[Math.min(Math.floor(value / width) - first, bins.length - 1)];
    if (bin !== undefined) bin.count += 1;
  }
  return bins;
}
