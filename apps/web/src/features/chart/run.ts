/** What a strategy would have done on the chart's candles: `GET /strategies/{name}/run`. */
import { useQuery } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { Details } from "@/features/backtests/reads";
import { decimalOf } from "@/features/chart/candleFeed";
import { alignedTo } from "@/features/chart/indicators";
import { rangeOf } from "@/features/chart/reads";
import type { ChartSettings, Direction } from "@/features/chart/settings";
import { markerId } from "@/features/chart/results";
import { millisecondsOf, type Candle, type ChartLine, type ChartMarker } from "@/charts/candles/scene";

interface Point {
  time: string;
  value: number | null;
}

export interface RunEntry {
  time: string;
  source_time: string;
  decision_time: string;
  direction: Direction;
  price: number;
  fill_time: string | null;
  fill_price: number | null;
  reason: string;
}

export interface TimelineItem {
  time: string;
  should_enter_long: boolean;
  should_enter_short: boolean;
  should_exit_long: boolean;
  should_exit_short: boolean;
}

/** A bar of the view, made of the candles that the strategy ran on. */
export interface RunBar {
  time: string;
  open: number | null;
  high: number | null;
  low: number | null;
  close: number | null;
  volume: number | null;
  is_closed: boolean;
}

export interface StrategyRun {
  symbol: string;
  timeframe: string;
  strategy: string;
  version: string;
  params_hash: string;
  warmup_ok: boolean;
  data_gaps: unknown[];
  candles: RunBar[];
  sma200?: Point[];
  hma200?: Record<string, Point[]>;
  entries: RunEntry[];
  signal_timeline?: TimelineItem[];
}

const LIMIT_MAX = 5000;
const ROUND = 500;

/** A backtest whose parameters and candles the strategy is drawn with. */
export type RunBasis = Pick<Details, "params" | "timeframe">;

/** The decisions of the strategy over at least the candles that are held; null: it is not known yet with which parameters. */
export function useStrategyRun(settings: ChartSettings, held: number, basis: RunBasis | undefined | null) {
  const { exchange, symbol, timeframe, strategy, variant } = settings;
  const limit = Math.min(Math.max(settings.limit, Math.ceil(held / ROUND) * ROUND), LIMIT_MAX);
  const range = rangeOf(settings);
  return useQuery({
    queryKey: ["strategy run", strategy, exchange, symbol, timeframe, variant, limit, range, basis?.params, basis?.timeframe],
    queryFn: () => {
      const query = new URLSearchParams({
        exchange: exchange ?? "",
        symbol: symbol ?? "",
        timeframe,
        limit: String(limit),
        ...(basis ? { params: JSON.stringify(basis.params), base: basis.timeframe } : variantOf(settings)),
        timeline: "view",
        ...range,
      });
      return request<StrategyRun>("GET", `/strategies/${encodeURIComponent(strategy ?? "")}/run?${query}`);
    },
    enabled: basis !== null && strategy !== null && exchange !== null && symbol !== null && held > 0,
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  });
}

function variantOf({ strategy, variant }: ChartSettings): Record<string, string> {
  return strategy === "hma_sma" ? { variant: String(variant) } : {};
}

const LOOKS: Record<Direction, Pick<ChartMarker, "place" | "shape" | "colour">> = {
  long: { place: "below", shape: "arrowUp", colour: "candle-up" },
  short: { place: "above", shape: "arrowDown", colour: "candle-down" },
  long_exit: { place: "above", shape: "arrowDown", colour: "orange" },
  short_exit: { place: "below", shape: "arrowUp", colour: "blue" },
};

/** One marker for each decision of these directions, known from its decision time on. */
export function runMarkers(
  run: StrategyRun | undefined,
  directions: ReadonlySet<Direction>,
  words: (direction: Direction) => string,
): ChartMarker[] {
  return (run?.entries ?? []).flatMap((entry, index): ChartMarker[] => {
    if (!directions.has(entry.direction)) return [];
    const marker = {
      id: markerId(entry, index),
      at: Date.parse(entry.source_time),
      knownAt: Date.parse(entry.decision_time),
      ...LOOKS[entry.direction],
      text: words(entry.direction),
    };
    return [marker];
  });
}

/** The candles, and the bars of the run that opened after them: of larger timeframes the last one still forms. */
export function withRunBars(candles: readonly Candle[], run: Pick<StrategyRun, "candles"> | undefined): readonly Candle[] {
  const last = candles.at(-1);
  if (last === undefined || run === undefined) return candles;
  const later = run.candles.flatMap(({ time, open, high, low, close, volume, is_closed }): Candle[] => {
    if (Date.parse(time) <= millisecondsOf(last) || open === null || high === null || low === null || close === null) return [];
    const [o, h, l, c] = [open, high, low, close].map(decimalOf) as [string, string, string, string];
    return [{ time, open: o, high: h, low: l, close: c, volume: volume === null ? null : decimalOf(volume), is_closed }];
  });
  return later.length === 0 ? candles : [...candles, ...later];
}

/** The strategy's own lines. */
export function runLines(run: StrategyRun | undefined, candles: readonly Candle[]): ChartLine[] {
  if (run === undefined) return [];
  const line = (id: string, label: string, colour: string, points: Point[]): ChartLine => ({
    id,
    label,
    colour,
    width: 2,
    kind: "line",
    pane: null,
    values: alignedTo(candles, points),
  });
  const hull = Object.entries(run.hma200 ?? {}).filter(([, points]) => points.length > 0);
  return [
    ...(run.sma200 === undefined || run.sma200.length === 0 ? [] : [line("run-sma200", "SMA 200", "yellow", run.sma200)]),
    ...hull.map(([name, points], index) => line(`run-hma200-${name}`, `HMA 200 ${name}`, index === 0 ? "blue" : "purple", points)),
  ];
}
