/** Figures of curves as they are drawn, in floating point. */

/** How far each value is below the highest before it, in percent. */
export function drawdownsOf(values: readonly number[]): number[] {
  let peak = Number.NEGATIVE_INFINITY;
  return values.map((value) => {
    peak = Math.max(peak, value);
    return peak <= 0 ? 0 : ((peak - value) / peak) * 100;
  });
}

export interface CurvePoint {
  ts: string;
  equity: string;
  drawdown_pct: string | null;
  /** What the initial amount would be worth if it had been held in the market since the first point. */
  held: number | null;
}

interface EquityRow {
  timestamp: string;
  close: string;
  total_equity: string;
}

/** The points of an equity curve, with the fall from the highest one before and the market beside it. */
export function curvePoints(rows: readonly EquityRow[]): CurvePoint[] {
  const falls = drawdownsOf(rows.map((row) => Number(row.total_equity)));
  const start = Number(rows[0]?.total_equity ?? 0);
  const first = Number(rows[0]?.close ?? 0);
  return rows.map((row, index) => ({
    ts: row.timestamp,
    equity: row.total_equity,
    drawdown_pct: String(falls[index] ?? 0),
    held: first === 0 ? null : (start * Number(row.close)) / first,
  }));
}

interface Trade {
  side: "long" | "short";
  entry_time: string;
  exit_time: string;
}

/** How many trades are open from each time on, in epoch seconds: short ones count below zero. */
export function openTrades(trades: readonly Trade[]): { times: number[]; counts: number[] } {
  const changes = new Map<number, number>();
  const change = (time: string, by: number) => {
    const at = Date.parse(time) / 1000;
    changes.set(at, (changes.get(at) ?? 0) + by);
  };
  for (const { side, entry_time, exit_time } of trades) {
    const one = side === "long" ? 1 : -1;
    change(entry_time, one);
    change(exit_time, -one);
  }
  const times = [...changes.keys()].toSorted((a, b) => a - b);
  let open = 0;
  return { times, counts: times.map((at) => (open += changes.get(at) ?? 0)) };
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
