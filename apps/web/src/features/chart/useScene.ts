/** Everything that the chart draws, from its settings and what was read. */
import { useCallback, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { gapsOf, stepOf, type Candle, type ChartMarker, type Scene } from "@/charts/candles/scene";
import { indicatorLines } from "@/features/chart/indicators";
import { useTraded, type Instrument, type Signal } from "@/features/chart/reads";
import { runLines, runMarkers, type StrategyRun } from "@/features/chart/run";
import type { ChartSettings, Direction } from "@/features/chart/settings";
import { dealMarkers, levelsOf, orderMarkers, positionSegments, signalMarkers, sourcesOf, type LevelTarget, type TargetLevel } from "@/features/chart/traded";
import { useScope } from "@/app/scope";
import type { Deal, Order } from "@/api/types";
import { useFormats } from "@/lib/format";
import { useCan } from "@/lib/permissions";
import { useLiveRows } from "@/live/hooks";
import { openOrders, openPositions } from "@/live/live";

const NO_ROWS: readonly never[] = [];
const USUAL_TICK = "0.01";

export interface DrawnChart {
  scene: Scene;
  levels: readonly TargetLevel[];
  gaps: { places: number; missing: number };
  /** Where orders and deals came from, to filter by. */
  sources: readonly string[];
  /** What could not be read of the accounts. */
  error: Error | null;
}

function useWords() {
  const { t } = useTranslation("chart");
  const { number } = useFormats();
  return useMemo(
    () => ({
      deal: (deal: Deal) => `${t(`mark.${deal.side}`)} ${number(deal.qty)}`,
      order: (order: Order) => `${t("mark.order")} ${order.id}`,
      signal: (signal: Signal) => t(`mark.${signal.action}`),
      direction: (direction: Direction) => t(`direction.${direction}`),
      level: (target: LevelTarget) =>
        target.kind === "order"
          ? t("level.order", { id: target.order.id })
          : t(`level.${target.kind}`, { id: target.position.id }),
    }),
    [t, number],
  );
}

/** The smallest change of the price: that of the instrument, if it says more than the least there is. */
function tickOf(instrument: Instrument | undefined, candles: readonly Candle[]): string {
  if (instrument !== undefined && instrument.price_tick !== "0.00000001") return instrument.price_tick;
  const places = Math.max(0, ...candles.slice(-100).map((candle) => candle.close.split(".")[1]?.length ?? 0));
  return candles.length === 0 ? USUAL_TICK : places === 0 ? "1" : `0.${"0".repeat(Math.min(places, 8) - 1)}1`;
}

function useMarkers(settings: ChartSettings, rows: ReturnType<typeof useTraded>["rows"], run: StrategyRun | undefined): readonly ChartMarker[] {
  const words = useWords();
  const { overlays, source, directions } = settings;
  const { deals = NO_ROWS, orders = NO_ROWS, signals = NO_ROWS } = rows;
  return useMemo(() => {
    const found = [
      ...runMarkers(run, directions, words.direction),
      ...(overlays.has("deals") ? dealMarkers(deals, source, words.deal) : []),
      ...(overlays.has("orders") ? orderMarkers(orders, source, words.order) : []),
      ...(overlays.has("signals") ? signalMarkers(signals, words.signal) : []),
    ];
    return found.toSorted((a, b) => a.at - b.at);
  }, [run, directions, overlays, source, deals, orders, signals, words]);
}

/** Open positions and orders of the symbol. */
function useOpenRows(symbol: string | null) {
  const positions = useLiveRows(openPositions);
  const orders = useLiveRows(openOrders);
  return useMemo(
    () => ({
      positions: positions.filter((row) => row.symbol === symbol),
      orders: orders.filter((row) => row.symbol === symbol && row.state === "SUBMITTED"),
    }),
    [positions, orders, symbol],
  );
}

/** Rows with the same text as before keep their identity: prices of every second do not redraw levels. */
function useLevels(settings: ChartSettings): readonly TargetLevel[] {
  const words = useWords();
  const can = useCan();
  const open = useOpenRows(settings.symbol);
  const isShown = settings.overlays.has("levels");
  const mayMove = useCallback((account: number) => can("trade", account), [can]);
  return useMemo(
    () => (isShown ? levelsOf(open.positions, open.orders, mayMove, words.level) : []),
    [isShown, open, mayMove, words],
  );
}

export function useDrawnChart(
  settings: ChartSettings,
  instrument: Instrument | undefined,
  candles: readonly Candle[],
  run: StrategyRun | undefined,
): DrawnChart {
  const scope = useScope();
  const traded = useTraded(scope.parameter, settings, candles);
  const { rows } = traded;
  const markers = useMarkers(settings, rows, run);
  const open = useOpenRows(settings.symbol);
  const levels = useLevels(settings);
  const { indicators, overlays, timeframe } = settings;
  const lines = useMemo(() => [...runLines(run, candles), ...indicatorLines(indicators, candles)], [run, indicators, candles]);
  const segments = useMemo(
    () => (overlays.has("positions") ? positionSegments(rows.positions ?? NO_ROWS, open.positions) : []),
    [overlays, rows.positions, open.positions],
  );
  const step = instrument?.session === "us_equity" ? null : stepOf(timeframe);
  const showsVolume = overlays.has("volume");
  const tick = tickOf(instrument, candles);
  const scene = useMemo(
    (): Scene => ({ candles, timeframe, step, lines, markers, segments, levels, showsVolume, tick }),
    [candles, timeframe, step, lines, markers, segments, levels, showsVolume, tick],
  );
  const gaps = useMemo(() => gapsOf(candles, step), [candles, step]);
  const sources = useMemo(() => sourcesOf(rows.deals ?? NO_ROWS, rows.orders ?? NO_ROWS), [rows]);
  return { scene, levels, gaps, sources, error: traded.error };
}
