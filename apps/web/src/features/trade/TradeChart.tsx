import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { PageLoading } from "@/app/PageStates";
import { useReadState } from "@/app/readState";
import { useFilters } from "@/app/search";
import { ChartCredit } from "@/features/chart/ChartCredit";
import { Legend } from "@/features/chart/Legend";
import { useCandles, useInstruments } from "@/features/chart/reads";
import { readSettings, TIMEFRAMES, type ChartSettings } from "@/features/chart/settings";
import type { TargetLevel } from "@/features/chart/traded";
import { useDrawnChart } from "@/features/chart/useScene";
import { useSummary } from "@/features/chart/useSummary";
import { EmptyState } from "@/kit/EmptyState";
import { ErrorState } from "@/kit/ErrorState";
import { GridNotice } from "@/kit/grid/GridNotice";
import { Icon } from "@/kit/Icon";
import { Panel } from "@/kit/Panel";
import { Segmented } from "@/kit/Segmented";
import type { Decimal } from "@/lib/decimal";

const CandleChart = lazy(async () => ({ default: (await import("@/charts/candles/CandleChart")).CandleChart }));
const MoveDialog = lazy(async () => ({ default: (await import("@/features/chart/MoveDialog")).MoveDialog }));

interface Props {
  exchange: string;
  symbol: string;
}

/** The candles of what the ticket trades, with deals, positions and their levels. */
export function TradeChart({ exchange, symbol }: Props) {
  const { t } = useTranslation("trade");
  const [{ tf }, setFilters] = useFilters("tf");
  const settings = useMemo(() => readSettings({ exchange, symbol, ...(tf === undefined ? {} : { tf }) }), [exchange, symbol, tf]);
  const actions = (
    <span className="flex items-center gap-2">
      <Segmented
        label={t("timeframe", { ns: "chart" })}
        value={settings.timeframe}
        onChange={(next) => setFilters({ tf: next })}
        segments={TIMEFRAMES.map((name) => ({ value: name, label: name }))}
      />
      <Link
        to="/chart"
        search={((before: Record<string, string>) => ({ acc: before["acc"], exchange, symbol, tf })) as never}
        aria-label={t("chart.open")}
        title={t("chart.open")}
        className="inline-flex size-(--control) items-center justify-center rounded text-muted hover:bg-raise hover:text-fg"
      >
        <Icon name="external" />
      </Link>
    </span>
  );
  return (
    <Panel title={t("chart.title", { symbol, exchange })} actions={actions} className="min-h-48 flex-1">
      <DrawnTrades settings={settings} />
    </Panel>
  );
}

function DrawnTrades({ settings }: { settings: ChartSettings }) {
  const { t } = useTranslation("chart");
  const { exchange, symbol, timeframe } = settings;
  const instrument = useInstruments().data?.find((one) => one.exchange === exchange && one.symbol === symbol);
  const stateOf = useReadState();
  const { candles, query, older } = useCandles(settings, true);
  const { scene, levels, error } = useDrawnChart(settings, instrument, candles, undefined);
  const label = useSummary(settings, scene);
  const [hovered, setHovered] = useState<number | null>(null);
  const [moved, setMoved] = useState<{ level: TargetLevel; price: Decimal } | null>(null);
  if (candles.length === 0) {
    const empty = <EmptyState title={t("empty.candles", { symbol: symbol ?? "", timeframe })}>{t("empty.hint")}</EmptyState>;
    return <GridNotice state={stateOf(query)} onClearFilters={undefined} empty={empty} />;
  }
  return (
    <>
      {error !== null && <ErrorState error={error} compact />}
      <div className="relative flex min-h-0 flex-1 flex-col">
        <Legend scene={scene} index={Math.min(hovered ?? candles.length - 1, candles.length - 1)} />
        <Suspense fallback={<PageLoading />}>
          <CandleChart
            label={label}
            scene={scene}
            subject={`${exchange} ${symbol} ${timeframe}`}
            onOlder={() => older?.()}
            revealed={null}
            onHover={setHovered}
            onMarker={() => undefined}
            onLevelMoved={(level, price) => {
              const target = levels.find((one) => one.id === level.id);
              if (target !== undefined) setMoved({ level: target, price });
            }}
          />
        </Suspense>
      </div>
      <p className="px-2 pb-0.5">
        <ChartCredit />
      </p>
      {moved !== null && (
        <Suspense fallback={null}>
          <MoveDialog {...moved} onClose={() => setMoved(null)} />
        </Suspense>
      )}
    </>
  );
}
