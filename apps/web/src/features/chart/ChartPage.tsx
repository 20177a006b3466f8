import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { PageLoading } from "@/app/PageStates";
import { useScope } from "@/app/scope";
import { closeOf, markedCandles, millisecondsOf, sceneAt, type Scene } from "@/charts/candles/scene";
import { ChartCredit } from "@/features/chart/ChartCredit";
import { ChartToolbar } from "@/features/chart/ChartToolbar";
import { Legend } from "@/features/chart/Legend";
import { PlaybackBar } from "@/features/chart/PlaybackBar";
import { useCandles, useInstruments, type Instrument } from "@/features/chart/reads";
import { markersOf, tripOf, withSelected } from "@/features/chart/results";
import { useStrategyRun, withRunBars } from "@/features/chart/run";
import { useChartSettings, type ChangeSettings, type ChartSettings } from "@/features/chart/settings";
import { SidePanel } from "@/features/chart/SidePanel";
import type { TargetLevel } from "@/features/chart/traded";
import { useResult } from "@/features/chart/useResult";
import { useReplay, type Replay } from "@/features/chart/useReplay";
import { useDrawnChart, type DrawnChart } from "@/features/chart/useScene";
import { useSummary } from "@/features/chart/useSummary";
import { Button } from "@/kit/Button";
import { EmptyState } from "@/kit/EmptyState";
import { ErrorBoundary } from "@/kit/ErrorBoundary";
import { ErrorState } from "@/kit/ErrorState";
import { Icon } from "@/kit/Icon";
import { GridNotice } from "@/kit/grid/GridNotice";
import type { Decimal } from "@/lib/decimal";
import { useReadState } from "@/app/readState";

const ResultPanel = lazy(async () => ({ default: (await import("@/features/chart/ResultPanel")).ResultPanel }));
const MoveDialog = lazy(async () => ({ default: (await import("@/features/chart/MoveDialog")).MoveDialog }));
const CandleTable = lazy(async () => ({ default: (await import("@/features/chart/CandleTable")).CandleTable }));
const CandleChart = lazy(async () => ({ default: (await import("@/charts/candles/CandleChart")).CandleChart }));

const NO_TRIPS: readonly never[] = [];

/** Candles with indicators and what was traded on them, and their playback. */
export default function ChartPage() {
  const { t } = useTranslation("chart");
  const [settings, change] = useChartSettings();
  const instruments = useInstruments();
  const stateOf = useReadState();
  const known = instruments.data ?? [];
  const first = known[0];
  // Without a symbol in the URL the first one is shown, and named there.
  useEffect(() => {
    if (settings.symbol === null && first !== undefined) change({ exchange: first.exchange, symbol: first.symbol });
  }, [settings.symbol, first, change]);
  if (instruments.data === undefined || known.length === 0) {
    return <GridNotice state={stateOf(instruments)} onClearFilters={undefined} empty={<EmptyState title={t("empty.instruments")}>{t("empty.hint")}</EmptyState>} />;
  }
  const instrument = known.find((one) => one.exchange === settings.exchange && one.symbol === settings.symbol);
  return <Chart settings={settings} change={change} instrument={instrument} />;
}

interface Props {
  settings: ChartSettings;
  change: ChangeSettings;
  instrument: Instrument | undefined;
}

function Chart({ settings, change, instrument }: Props) {
  const read = useCandles(settings, settings.cursor === null);
  const { query, older } = read;
  const backtest = useResult(settings);
  const run = useStrategyRun(settings, read.candles.length, backtest.isRead ? backtest.run : null);
  const candles = useMemo(() => withRunBars(read.candles, run.data), [read.candles, run.data]);
  const drawn = useDrawnChart(settings, instrument, candles, run.data);
  const replay = useReplay(candles, settings.cursor, (cursor) => change({ cursor: cursor ?? undefined }));
  const trips = backtest.result?.trips ?? NO_TRIPS;
  const [trip, setTrip] = useState<number | null>(null);
  const selected = trips.find((one) => one.number === trip);
  const shown = useShown(drawn.scene, replay, settings.timeframe, markersOf(run.data, selected));
  const last = shown.candles.at(-1);
  const marked = useMemo(() => markedCandles(shown), [shown]);
  const [day, setDay] = useState<number | null>(null);
  const goal = settings.cursor === null ? day : Date.parse(settings.cursor);
  useReach(goal, candles[0]?.time, older);
  const revealed = selected === undefined ? reached(day, candles[0]?.time) : Date.parse(selected.entry_time);
  const [hovered, setHovered] = useState<number | null>(null);
  const [moved, setMoved] = useState<{ level: TargetLevel; price: Decimal } | null>(null);
  const reload = () => {
    replay.exit();
    void query.refetch();
  };
  const index = Math.min(hovered ?? replay.index, shown.candles.length - 1);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <ChartToolbar settings={settings} change={change} sources={drawn.sources} onReload={reload} onDay={setDay} />
      <Notices settings={settings} replay={replay} drawn={drawn} runError={run.error} />
      <div className="flex min-h-0 flex-1 max-lg:flex-col max-lg:overflow-y-auto">
        <div className="flex min-h-[420px] min-w-0 flex-1 flex-col max-lg:flex-none">
          <div className="relative flex min-h-0 flex-1 flex-col max-lg:h-[420px] max-lg:flex-none">
            <ChartBody {...{ settings, read, shown }}>
              <ErrorBoundary failed={<ChartFailed scene={shown} />}>
                <Legend scene={shown} index={index} />
                <Suspense fallback={<PageLoading />}>
                  <CandleChart
                    label={useSummary(settings, shown)}
                    scene={shown}
                    subject={`${settings.exchange} ${settings.symbol} ${settings.timeframe} ${settings.start} ${settings.end} ${settings.limit}`}
                    onOlder={() => older?.()}
                    revealed={revealed}
                    onHover={setHovered}
                    onMarker={(id) => setTrip(tripOf(run.data, trips, id))}
                    onLevelMoved={(level, price) => {
                      const target = drawn.levels.find((one) => one.id === level.id);
                      if (target !== undefined) setMoved({ level: target, price });
                    }}
                  />
                </Suspense>
              </ErrorBoundary>
            </ChartBody>
          </div>
          <PlaybackBar replay={replay} candles={candles} marked={marked} />
          {settings.strategy !== null && (
            <Suspense fallback={null}>
              <ResultPanel
                settings={settings}
                change={change}
                read={backtest}
                since={candles[0]?.time}
                closedAt={replay.isReplay && last !== undefined ? closeOf(millisecondsOf(last), settings.timeframe) : null}
                selected={trip}
                onSelect={(row) => setTrip(row.number)}
              />
            </Suspense>
          )}
        </div>
        <SidePanel settings={settings} change={change} replay={replay} scene={shown} levels={replay.isReplay ? [] : drawn.levels} run={run.data} />
      </div>
      <footer className="border-t border-line px-2 py-1">
        <ChartCredit />
      </footer>
      {moved !== null && (
        <Suspense fallback={null}>
          <MoveDialog {...moved} onClose={() => setMoved(null)} />
        </Suspense>
      )}
    </div>
  );
}

/** The scene of the cursor's candle: nothing later is handed to the chart, the table or a panel. */
function useShown(scene: Scene, { isReplay, index }: Replay, timeframe: string, selected: ReadonlySet<string>): Scene {
  const known = useMemo(() => {
    const candle = scene.candles[index];
    if (!isReplay || candle === undefined) return scene;
    return sceneAt(scene, index, closeOf(millisecondsOf(candle), timeframe));
  }, [scene, isReplay, index, timeframe]);
  const ids = [...selected].join(";");
  return useMemo(() => (ids === "" ? known : { ...known, markers: withSelected(known.markers, new Set(ids.split(";"))) }), [known, ids]);
}

/** Read older candles until those of this moment are there. */
function useReach(at: number | null, first: string | undefined, older: (() => void) | undefined): void {
  useEffect(() => {
    if (at !== null && first !== undefined && at < Date.parse(first)) older?.();
  }, [at, first, older]);
}

/** The day that is gone to, once its candles are there. */
function reached(day: number | null, first: string | undefined): number | null {
  return day === null || first === undefined || day < Date.parse(first) ? null : day;
}

/** Says that the library that draws could not be loaded or failed; its candles are in the table, and the rest of the page works. */
function ChartFailed({ scene }: { scene: Scene }) {
  const { t } = useTranslation("chart");
  return (
    <>
      <p role="alert" className="flex items-center gap-2 p-3 text-sm text-warn">
        <Icon name="warn" />
        {t("failed")}
        <Button onClick={() => window.location.reload()}>{t("action.reload", { ns: "common" })}</Button>
      </p>
      <Suspense fallback={<PageLoading />}>
        <CandleTable scene={scene} />
      </Suspense>
    </>
  );
}

interface BodyProps {
  settings: ChartSettings;
  read: ReturnType<typeof useCandles>;
  shown: Scene;
  children: ReactNode;
}

/** The chart or its table; what stands there instead while there is nothing to draw. */
function ChartBody({ settings, read, shown, children }: BodyProps) {
  const { t } = useTranslation("chart");
  const stateOf = useReadState();
  if (read.candles.length === 0) {
    const filtered = settings.start !== "" || settings.end !== "";
    const words = { symbol: settings.symbol ?? "", timeframe: settings.timeframe };
    return (
      <GridNotice
        state={stateOf(read.query)}
        onClearFilters={undefined}
        empty={
          <EmptyState title={t(filtered ? "empty.range" : "empty.candles", words)}>
            {t("empty.hint")}
          </EmptyState>
        }
      />
    );
  }
  if (!settings.table) return children;
  return (
    <Suspense fallback={<PageLoading />}>
      <CandleTable scene={shown} />
    </Suspense>
  );
}

interface NoticesProps {
  settings: ChartSettings;
  replay: Replay;
  drawn: DrawnChart;
  runError: Error | null;
}

function Notices({ replay, drawn, runError }: NoticesProps) {
  const { t } = useTranslation("chart");
  const scope = useScope();
  const { places, missing } = drawn.gaps;
  const failed = runError ?? drawn.error;
  return (
    <>
      {replay.isReplay && (
        <p role="status" data-ribbon className="flex items-center gap-2 border-b border-warn bg-panel px-3 py-1 text-sm font-semibold text-warn">
          <Icon name="history" />
          {t("replay.ribbon")}
        </p>
      )}
      {missing > 0 && !replay.isReplay && (
        <p role="status" data-gaps className="px-3 py-1 text-xs text-warn">
          {t("gaps", { count: missing, places })}{" "}
          <Link to="/candles" className="underline">
            {t("gapsLink")}
          </Link>
        </p>
      )}
      {scope.ids.length === 0 && <p className="px-3 py-1 text-xs text-muted">{t("noAccounts")}</p>}
      {failed !== null && <ErrorState error={failed} compact />}
    </>
  );
}
