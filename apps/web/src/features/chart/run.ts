/** What a strategy would have done on the chart's candles: `GET /strategies/{name}/run`. */
import { useQuery } from "@tanstack/react-query";
import { request } from "@/api/client";
import { alignedTo } from "@/features/chart/indicators";
import { rangeOf } from "@/features/chart/reads";
import type { ChartSettings, Direction } from "@/features/chart/settings";
import type { Candle, ChartLine, ChartMarker } from "@/charts/candles/scene";

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

export interface StrategyRun {
  symbol: string;
  timeframe: string;
  strategy: string;
  version: string;
  params_hash: string;
  warmup_ok: boolean;
  data_gaps: unknown[];
  sma200?: Point[];
  hma200?: Record<string, Point[]>;
  entries: RunEntry[];
  signal_timeline?: TimelineItem[];
}

const LIMIT_MAX = 5000;
const ROUND = 500;

/** The decisions of the strategy over at least the candles that are held. */
export function useStrategyRun(settings: ChartSettings, held: number) {
  const { exchange, symbol, timeframe, strategy, variant } = settings;
  const limit = Math.min(Math.max(settings.limit, Math.ceil(held / ROUND) * ROUND), LIMIT_MAX);
  const range = rangeOf(settings);
  return useQuery({
    queryKey: ["strategy run", strategy, exchange, symbol, timeframe, variant, limit, range],
    queryFn: () => {
      const query = new URLSearchParams({
        exchange: exchange ?? "",
        symbol: symbol ?? "",
        timeframe,
        limit: String(limit),
        ...(strategy === "hma_sma" ? { variant: String(variant) } : {}),
        timeline: "view",
        ...range,
      });
      return request<StrategyRun>("GET", `/strategies/${encodeURIComponent(strategy ?? "")}/run?${query}`);
    },
    enabled: strategy !== null && exchange !== null && symbol !== null && held > 0,
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  });
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
  return (run?.entries ?? [])
    .filter((entry) => directions.has(entry.direction))
    .map((entry, index) => ({
      id: `run ${index} ${entry.source_time} ${entry.direction}`,
      at: Date.parse(entry.source_time),
      knownAt: Date.parse(entry.decision_time),
      ...LOOKS[entry.direction],
      text: words(entry.direction),
    }));
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
  const hull = Object.entries(run.hma200 ?? {});
  return [
    ...(run.sma200 === undefined || run.sma200.length === 0 ? [] : [line("run-sma200", "SMA 200", "yellow", run.sma200)]),
    ...hull.map(([name, points], index) => line(`run-hma200-${name}`, `HMA 200 ${name}`, index === 0 ? "blue" : "purple", points)),
  ];
}
