import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useCodeWord } from "@/app/codes";
import { SavedViews } from "@/app/SavedViews";
import { IndicatorDialog } from "@/features/chart/IndicatorDialog";
import { indicatorsText } from "@/features/chart/indicators";
import { savedIndicators } from "@/features/chart/indicatorSets";
import {
  CHART_FILTERS,
  DIRECTIONS,
  directionsText,
  LIMIT,
  limitOf,
  OVERLAYS,
  overlaysText,
  TIMEFRAMES,
  type ChangeSettings,
  type ChartSettings,
} from "@/features/chart/settings";
import { namesOf, useCatalog } from "@/features/research/catalog";
import { InstrumentField } from "@/features/research/SeriesFields";
import { Button } from "@/kit/Button";
import { TextField } from "@/kit/Field";
import { Icon } from "@/kit/Icon";
import { Menu } from "@/kit/Menu";
import { Segmented } from "@/kit/Segmented";
import { Select } from "@/kit/Select";
import { useShortcut } from "@/lib/shortcuts";

interface Props {
  settings: ChartSettings;
  change: ChangeSettings;
  sources: readonly string[];
  onReload: () => void;
  /** Show the candles of a day, in epoch milliseconds of its beginning in UTC. */
  onDay: (day: number | null) => void;
}

/** What the chart shows: symbol, timeframe, range, indicators, what is marked. */
export function ChartToolbar(props: Props) {
  const { t } = useTranslation("chart");
  const { settings, change } = props;
  useTimeframeKeys(change);
  return (
    <div className="flex flex-wrap items-end gap-2 border-b border-line bg-panel px-2 py-1.5">
      <InstrumentField
        hiddenLabel
        value={settings.exchange === null || settings.symbol === null ? null : { exchange: settings.exchange, symbol: settings.symbol }}
        onChange={(next) => {
          if (next !== null) change({ ...next, cursor: undefined, run: undefined });
        }}
        className="w-56"
      />
      <Segmented
        label={t("timeframe")}
        value={settings.timeframe}
        onChange={(tf) => change({ tf })}
        segments={TIMEFRAMES.map((name) => ({ value: name, label: name }))}
      />
      <span className="flex flex-wrap items-center gap-1.5">
        <IndicatorButton settings={settings} change={change} />
        <OverlayMenu {...props} />
        <StrategyFields settings={settings} change={change} />
        <RangeFields settings={settings} change={change} />
        <DayField onDay={props.onDay} />
        <SavedViews grid="chart" filters={CHART_FILTERS} />
        <Button
          tone="quiet"
          icon={<Icon name="columns" />}
          aria-label={t("table")}
          aria-pressed={settings.table}
          onClick={() => change({ view: settings.table ? undefined : "table" })}
        />
        <Button tone="quiet" icon={<Icon name="refresh" />} aria-label={t("reload")} onClick={props.onReload} />
      </span>
    </div>
  );
}

/** Keys 1 to 9 choose the timeframe. */
function useTimeframeKeys(change: ChangeSettings): void {
  const choose = (index: number) => () => change({ tf: TIMEFRAMES[index] });
  useShortcut("1", choose(0));
  useShortcut("2", choose(1));
  useShortcut("3", choose(2));
  useShortcut("4", choose(3));
  useShortcut("5", choose(4));
  useShortcut("6", choose(5));
  useShortcut("7", choose(6));
  useShortcut("8", choose(7));
  useShortcut("9", choose(8));
}

function DayField({ onDay }: Pick<Props, "onDay">) {
  const { t } = useTranslation("chart");
  const [day, setDay] = useState("");
  return (
    <>
      <span className="text-xs text-muted">{t("range.day")}</span>
      <TextField
        hiddenLabel
        label={t("range.day")}
        type="date"
        value={day}
        onChange={(text) => {
          setDay(text);
          const at = Date.parse(text);
          onDay(Number.isNaN(at) ? null : at);
        }}
        className="w-32"
      />
    </>
  );
}

type SettingsProps = Pick<Props, "settings" | "change">;

function RangeFields({ settings, change }: SettingsProps) {
  const { t } = useTranslation("chart");
  const [limit, setLimit] = useState<string | null>(null);
  const keep = () => {
    if (limit !== null) change({ limit: String(limitOf(limit)) });
    setLimit(null);
  };
  return (
    <>
      <span className="text-xs text-muted">{t("range.start")}</span>
      <TextField
        hiddenLabel
        label={t("range.start")}
        type="date"
        value={settings.start}
        onChange={(start) => change({ start: start || undefined })}
        className="w-32"
      />
      <span className="text-xs text-muted">{t("range.end")}</span>
      <TextField
        hiddenLabel
        label={t("range.end")}
        type="date"
        value={settings.end}
        onChange={(end) => change({ end: end || undefined })}
        className="w-32"
      />
      <span className="text-xs text-muted">{t("range.limit")}</span>
      <TextField
        hiddenLabel
        label={t("range.limit")}
        type="number"
        min={LIMIT.min}
        max={LIMIT.max}
        step={LIMIT.step}
        value={limit ?? String(settings.limit)}
        onChange={setLimit}
        onBlur={keep}
        onKeyDown={(event) => event.key === "Enter" && keep()}
        className="w-20"
      />
    </>
  );
}

function IndicatorButton({ settings, change }: SettingsProps) {
  const { t } = useTranslation("chart");
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button icon={<Icon name="system" />} onClick={() => setOpen(true)}>
        {t("indicators.button", { count: settings.indicators.length })}
      </Button>
      {isOpen && (
        <IndicatorDialog
          indicators={settings.indicators}
          strategy={settings.strategy}
          onChange={(indicators) => change({ ind: indicatorsText(indicators) })}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}

function toggled<Name>(chosen: ReadonlySet<Name>, name: Name): Set<Name> {
  const next = new Set(chosen);
  if (!next.delete(name)) next.add(name);
  return next;
}

function OverlayMenu({ settings, change, sources }: Props) {
  const { t } = useTranslation("chart");
  const word = useCodeWord("reason");
  return (
    <Menu
      keepOpen
      trigger={<Button icon={<Icon name="eye" />}>{t("overlays.label")}</Button>}
      items={[
        ...OVERLAYS.map((name) => ({
          id: name,
          label: t(`overlays.${name}`),
          checked: settings.overlays.has(name),
          run: () => change({ show: overlaysText(toggled(settings.overlays, name)) }),
        })),
        { id: "directions", heading: t("overlays.directions") },
        ...DIRECTIONS.map((name) => ({
          id: name,
          label: t(`direction.${name}`),
          checked: settings.directions.has(name),
          run: () => change({ dir: directionsText(toggled(settings.directions, name)) }),
        })),
        { id: "sources", heading: t("overlays.sources") },
        { id: "all", label: t("overlays.allSources"), checked: settings.source === null, run: () => change({ source: undefined }) },
        ...sources.map((name) => ({
          id: `source ${name}`,
          label: word(name),
          checked: settings.source === name,
          run: () => change({ source: name }),
        })),
      ]}
    />
  );
}

const VARIANTS = [1, 2, 3];

function StrategyFields({ settings, change }: SettingsProps) {
  const { t } = useTranslation("chart");
  const names = namesOf(useCatalog());
  const options = [{ value: "", label: t("strategy.none") }, ...names.map((value) => ({ value, label: value }))];
  return (
    <>
      <Select
        label={t("strategy.label")}
        hiddenLabel
        value={settings.strategy ?? ""}
        onChange={(name) => {
          const saved = savedIndicators(name || null);
          change({ strategy: name || undefined, variant: undefined, run: undefined, ...(saved === undefined ? {} : { ind: saved }) });
        }}
        options={options}
        className="w-32"
      />
      {settings.strategy === "hma_sma" && (
        <Select
          label={t("strategy.variant")}
          hiddenLabel
          value={settings.variant}
          onChange={(variant) => change({ variant: variant === 1 ? undefined : String(variant), run: undefined })}
          options={VARIANTS.map((value) => ({ value, label: t("strategy.variantName", { value }) }))}
          className="w-28"
        />
      )}
    </>
  );
}
