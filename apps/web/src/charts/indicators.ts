/**
 * Indicators of the chart, in floating point: they are drawn, nothing is decided by them.
 *
 * Each takes values in the order of time and returns one value for each, null where there are not
 * enough before it; a later value never changes an earlier result. They equal those that the
 * gateway's strategies use to the precision of a drawing; a test holds both against one another.
 */

export type Values = (number | null)[];

export interface Bar {
  high: number;
  low: number;
  close: number;
}

/** Mean of the last `length` values. A null starts again. */
export function sma(values: readonly (number | null)[], length: number): Values {
  const window: number[] = [];
  return values.map((value) => {
    if (value === null) {
      window.length = 0;
      return null;
    }
    window.push(value);
    if (window.length > length) window.shift();
    if (window.length < length) return null;
    const first = window[0] ?? 0;
    // Differences from the first value: a constant gives exactly that constant.
    return first + window.reduce((total, one) => total + (one - first), 0) / length;
  });
}

/** Weights 1 to `length`, the newest heaviest. */
export function wma(values: readonly (number | null)[], length: number): Values {
  const window: number[] = [];
  const weights = (length * (length + 1)) / 2;
  return values.map((value) => {
    if (value === null) {
      window.length = 0;
      return null;
    }
    window.push(value);
    if (window.length > length) window.shift();
    if (window.length < length) return null;
    const first = window[0] ?? 0;
    return first + window.reduce((total, one, index) => total + (one - first) * (index + 1), 0) / weights;
  });
}

/** WMA of twice the half-length WMA less the WMA, over the square root of `length`. */
export function hma(values: readonly (number | null)[], length: number): Values {
  const half = wma(values, Math.max(1, Math.floor(length / 2)));
  const whole = wma(values, length);
  const raw = whole.map((value, index) => {
    const short = half[index];
    return value === null || short === null || short === undefined ? null : 2 * short - value;
  });
  return wma(raw, Math.max(1, Math.floor(Math.sqrt(length))));
}

/** Exponential average that begins with the mean of its first `length` values. */
export function ema(values: readonly (number | null)[], length: number): Values {
  const factor = 2 / (length + 1);
  const seed: number[] = [];
  let current: number | null = null;
  return values.map((value) => {
    if (value === null) return current === null ? null : current;
    if (current !== null) return (current += (value - current) * factor);
    seed.push(value);
    if (seed.length < length) return null;
    const first = seed[0] ?? 0;
    return (current = first + seed.reduce((total, one) => total + (one - first), 0) / length);
  });
}

/** Average true range after Wilder: the mean of the first `length` ranges, then smoothed. */
export function atr(bars: readonly Bar[], length: number): Values {
  let before: number | null = null;
  let current: number | null = null;
  let total = 0;
  return bars.map(({ high, low, close }, index) => {
    const range: number =
      before === null ? high - low : Math.max(high - low, Math.abs(high - before), Math.abs(low - before));
    before = close;
    if (current !== null) return (current = (current * (length - 1) + range) / length);
    total += range;
    return index + 1 < length ? null : (current = total / length);
  });
}

/** Relative strength after Wilder: 50 where nothing moved, 100 without a fall. */
export function rsi(values: readonly number[], length: number): Values {
  let gains = 0;
  let losses = 0;
  return values.map((value, index) => {
    if (index === 0) return null;
    const change = value - (values[index - 1] ?? value);
    const gain = Math.max(0, change);
    const loss = Math.max(0, -change);
    if (index <= length) {
      gains += gain / length;
      losses += loss / length;
      if (index < length) return null;
    } else {
      gains = (gains * (length - 1) + gain) / length;
      losses = (losses * (length - 1) + loss) / length;
    }
    if (losses === 0) return gains === 0 ? 50 : 100;
    return 100 - 100 / (1 + gains / losses);
  });
}

export interface Macd {
  line: Values;
  signal: Values;
  histogram: Values;
}

/** Difference of two exponential averages, its own average, and how far they are apart. */
export function macd(values: readonly number[], fast: number, slow: number, signal: number): Macd {
  const short = ema(values, fast);
  const long = ema(values, slow);
  const line = long.map((value, index) => {
    const other = short[index];
    return value === null || other === null || other === undefined ? null : other - value;
  });
  const average = ema(line, signal);
  const histogram = average.map((value, index) => {
    const at = line[index];
    return value === null || at === null || at === undefined ? null : at - value;
  });
  return { line, signal: average, histogram };
}
