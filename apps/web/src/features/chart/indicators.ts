/** The indicators of a chart: as text in the URL, and as lines over its candles. */
import { atr, ema, hma, macd, rsi, sma, wma, type Values } from "@/charts/indicators";
import { millisecondsOf, type Candle, type ChartLine, type Colour } from "@/charts/candles/scene";

export const KINDS = ["sma", "ema", "wma", "hma", "rsi", "atr", "macd"] as const;
export type Kind = (typeof KINDS)[number];

export const COLOURS = ["yellow", "blue", "purple", "orange", "cyan", "pink", "up", "down", "muted"] as const;
export const WIDTHS = [1, 2, 3] as const;
export type Width = (typeof WIDTHS)[number];

/** An indicator with its lengths: one, of MACD fast, slow and signal. */
export interface Indicator {
  kind: Kind;
  lengths: readonly number[];
  colour: Colour;
  width: Width;
}

export const LENGTH_MAX = 1000;
const USUAL: Record<Kind, readonly number[]> = { sma: [50], ema: [20], wma: [20], hma: [55], rsi: [14], atr: [14], macd: [12, 26, 9] };
export const INDICATORS_MAX = 10;

/** A new indicator in the first colour that no other has. */
export function newIndicator(kind: Kind, others: readonly Indicator[]): Indicator {
  const used = new Set(others.map((one) => one.colour));
  return { kind, lengths: USUAL[kind], colour: COLOURS.find((name) => !used.has(name)) ?? "yellow", width: 2 };
}

/** `sma.50.yellow.2,macd.12-26-9.blue.1` */
export function indicatorsText(indicators: readonly Indicator[]): string | undefined {
  if (indicators.length === 0) return undefined;
  return indicators.map(({ kind, lengths, colour, width }) => [kind, lengths.join("-"), colour, width].join(".")).join(",");
}

function isLength(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= LENGTH_MAX;
}

export function readIndicators(text: string | undefined): Indicator[] {
  return (text ?? "")
    .split(",")
    .flatMap((part): Indicator[] => {
      const [name, numbers = "", colour, width] = part.split(".");
      const kind = KINDS.find((one) => one === name);
      const lengths = numbers.split("-").map(Number);
      if (kind === undefined || lengths.length !== USUAL[kind].length || !lengths.every(isLength)) return [];
      return [
        {
          kind,
          lengths,
          colour: COLOURS.find((one) => one === colour) ?? "yellow",
          width: WIDTHS.find((one) => String(one) === width) ?? 2,
        },
      ];
    })
    .slice(0, INDICATORS_MAX);
}

/** `SMA 50`, `MACD 12 26 9` */
export function indicatorName({ kind, lengths }: Indicator): string {
  return `${kind.toUpperCase()} ${lengths.join(" ")}`;
}

function average(kind: Kind, closes: readonly number[], length: number): Values {
  if (kind === "ema") return ema(closes, length);
  if (kind === "wma") return wma(closes, length);
  return kind === "hma" ? hma(closes, length) : sma(closes, length);
}

/** The lines of the indicators over these candles. */
export function indicatorLines(indicators: readonly Indicator[], candles: readonly Candle[]): ChartLine[] {
  if (indicators.length === 0) return [];
  const bars = candles.map(({ high, low, close }) => ({ high: Number(high), low: Number(low), close: Number(close) }));
  const closes = bars.map((bar) => bar.close);
  return indicators.flatMap((indicator): ChartLine[] => {
    const { kind, colour, width, lengths } = indicator;
    const [length = 1, slow = 1, signal = 1] = lengths;
    const label = indicatorName(indicator);
    const line = (id: string, values: Values, pane: string | null): ChartLine => ({ id, label, colour, width, kind: "line", pane, values });
    const id = `${kind}${lengths.join("-")}`;
    if (kind === "rsi") return [line(id, rsi(closes, length), id)];
    if (kind === "atr") return [line(id, atr(bars, length), id)];
    if (kind !== "macd") return [line(id, average(kind, closes, length), null)];
    const found = macd(closes, length, slow, signal);
    return [
      { ...line(`${id}h`, found.histogram, id), colour: "muted", kind: "bars" },
      line(id, found.line, id),
      { ...line(`${id}s`, found.signal, id), colour: "orange" },
    ];
  });
}

/** Values at times of their own, as one for each candle that has that time. */
export function alignedTo(candles: readonly Candle[], points: readonly { time: string; value: number | null }[]): (number | null)[] {
  const byTime = new Map(points.map((point) => [Date.parse(point.time), point.value]));
  return candles.map((candle) => byTime.get(millisecondsOf(candle)) ?? null);
}
