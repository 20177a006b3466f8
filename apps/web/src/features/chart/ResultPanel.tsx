import { useDeferredValue, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { curvePoints } from "@/charts/curves";
import { EquityChart } from "@/charts/EquityChart";
import { paramsText, progressOf, useRoundTripColumns } from "@/features/backtests/columns";
import { isUnderWay, requestRun, type Details, type TripRow } from "@/features/backtests/reads";
import { resultAt, type ResultAt } from "@/features/chart/results";
import type { ChangeSettings, ChartSettings } from "@/features/chart/settings";
import type { ResultRead } from "@/features/chart/useResult";
import { useCatalog } from "@/features/research/catalog";
import { Button } from "@/kit/Button";
import { DataGrid } from "@/kit/DataGrid";
import { DecimalField } from "@/kit/DecimalField";
import { ErrorState } from "@/kit/ErrorState";
import type { Column } from "@/kit/grid/types";
import { Segmented } from "@/kit/Segmented";
import { StatTile } from "@/kit/StatTile";
import { sign, type Decimal } from "@/lib/decimal";
import { toneOf, useFormats } from "@/lib/format";
import { useCan } from "@/lib/permissions";
import { quoteCurrency } from "@/lib/symbol";

interface Props {
  settings: ChartSettings;
  change: ChangeSettings;
  read: ResultRead;
  /** When the first candle that is shown opened. */
  since: string | undefined;
  /** When the candle of the cursor closes, in epoch milliseconds; null: the present. */
  closedAt: number | null;
  /** Number of the selected round trip. */
  selected: number | null;
  onSelect: (trip: TripRow) => void;
}

/** What the strategy would have earned on the shown candles: a backtest of the gateway, as of the cursor. */
export function ResultPanel({ settings, change, read, since, closedAt, selected, onSelect }: Props) {
  const { t } = useTranslation("chart");
  const { run, result, error } = read;
  // While the playback runs this follows it as it can; it is never ahead of it.
  const late = useDeferredValue(closedAt);
  const at = closedAt === null || late === null ? closedAt : Math.min(late, closedAt);
  const shown = useMemo(() => (result === null ? null : resultAt(result, at)), [result, at]);
  return (
    <section aria-label={t("result.title")} className="flex h-72 shrink-0 border-t border-line max-lg:h-auto max-lg:flex-col">
      <div className="flex w-80 shrink-0 flex-col gap-2 overflow-y-auto p-2 max-lg:w-full" data-result={result === null ? "none" : "done"}>
        <RunForm settings={settings} since={since} onRequested={(id) => change({ run: String(id) })} />
        {error !== null && <ErrorState error={error} compact />}
        {run !== undefined && run.status !== "done" && <RunState run={run} />}
        {run !== undefined && shown !== null && <Totals run={run} shown={shown} />}
      </div>
      <div className="flex min-h-48 min-w-0 flex-1 flex-col border-s border-line max-lg:border-s-0">
        {run === undefined || shown === null ? (
          <p className="m-auto max-w-sm p-4 text-center text-sm text-muted">{t("result.hint")}</p>
        ) : (
          <Rows run={run} shown={shown} selected={selected} onSelect={onSelect} />
        )}
      </div>
    </section>
  );
}

const USUAL: { size: Decimal | ""; commission: Decimal | ""; slippage: Decimal | "" } = { size: "1000", commission: "0.001", slippage: "0.0005" };

/** Amount and costs of the run, and the button that requests it. */
function RunForm({ settings, since, onRequested }: { settings: ChartSettings; since: string | undefined; onRequested: (id: number) => void }) {
  const { t } = useTranslation("chart");
  const can = useCan();
  const entry = useCatalog().findLast((one) => one.name === settings.strategy);
  const [terms, setTerms] = useState(USUAL);
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null });
  if (!can("research")) return <p className="text-xs text-muted">{t("result.forbidden")}</p>;
  const { exchange, symbol, timeframe, start, end } = settings;
  const isReady = entry !== undefined && exchange !== null && symbol !== null && terms.size !== "" && sign(terms.size) > 0;
  const calculate = async () => {
    if (!isReady || terms.size === "") return;
    setState({ busy: true, error: null });
    try {
      const id = await requestRun({
        strategy: entry.name,
        version: entry.version,
        params: entry.name === "hma_sma" ? { variant: String(settings.variant) } : {},
        exchange,
        symbol,
        timeframe: entry.timeframe ?? timeframe,
        initial_balance: terms.size,
        allow_short: true,
        ...(terms.commission === "" ? {} : { commission: terms.commission }),
        ...(terms.slippage === "" ? {} : { slippage: terms.slippage }),
        ...(start === "" ? (since === undefined ? {} : { start: since }) : { start: `${start}T00:00:00Z` }),
        ...(end === "" ? {} : { end: new Date(Date.parse(`${end}T00:00:00Z`) + DAY_MS).toISOString() }),
      });
      setState({ busy: false, error: null });
      onRequested(id);
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return (
    <>
      <div className="grid grid-cols-3 gap-2">
        <DecimalField label={t("result.size")} value={terms.size} onChange={(size) => setTerms({ ...terms, size })} />
        <DecimalField label={t("result.fee")} value={terms.commission} onChange={(commission) => setTerms({ ...terms, commission })} min="0" />
        <DecimalField label={t("result.slippage")} value={terms.slippage} onChange={(slippage) => setTerms({ ...terms, slippage })} min="0" />
      </div>
      <Button tone="primary" disabled={!isReady} busy={state.busy} onClick={() => void calculate()}>
        {t("result.calculate")}
      </Button>
      {state.error !== null && <ErrorState error={state.error} compact />}
    </>
  );
}

const DAY_MS = 86_400_000;

/** A run that is not done: how far it is, or why it failed. */
function RunState({ run }: { run: Details }) {
  const { t } = useTranslation("chart");
  const percent = progressOf({ ...run, id: run.run_id });
  return (
    <div role="status" className="flex flex-col gap-1 text-sm">
      {t(`runStatus.${run.status}`, { ns: "research" })}
      {isUnderWay(run) && <progress aria-label={t("result.progress")} max={100} value={percent} className="h-2 w-full" />}
      {run.error !== null && <span className="break-words text-down">{run.error}</span>}
    </div>
  );
}

function Totals({ run, shown }: { run: Details; shown: ResultAt }) {
  const { t } = useTranslation("chart");
  const { number } = useFormats();
  const currency = quoteCurrency(run.symbol);
  return (
    <>
      <div className="grid grid-cols-2 gap-2">
        {(["closed", "open", "total"] as const).map((name) => (
          <div key={name} data-total={name} data-value={shown[name] ?? ""}>
            <StatTile label={t(`result.${name}`)} value={number(shown[name], { places: 2, plus: true })} unit={currency} tone={toneOf(shown[name])} />
          </div>
        ))}
        <div data-total="trades" data-value={shown.trades}>
          <StatTile label={t("result.trades")} value={String(shown.trades)} />
        </div>
      </div>
      <p className="text-2xs text-muted">
        {t("result.of", {
          id: run.run_id,
          size: number(run.initial_balance),
          fee: String(run.settings["commission"] ?? ""),
          slippage: String(run.settings["slippage"] ?? ""),
          params: paramsText(run.params) || t("report.defaults", { ns: "research" }),
        })}
      </p>
    </>
  );
}

interface RowsProps {
  run: Details;
  shown: ResultAt;
  selected: number | null;
  onSelect: (trip: TripRow) => void;
}

/** Trades as a table, or equity and drawdown. */
function Rows({ run, shown, selected, onSelect }: RowsProps) {
  const { t } = useTranslation("chart");
  const [view, setView] = useState<"trades" | "equity">("trades");
  const labels = useMemo(() => ({ equity: t("report.equity", { ns: "research" }), drawdown: t("report.drawdown", { ns: "research" }) }), [t]);
  const points = useMemo(() => (view === "equity" ? curvePoints(shown.points) : []), [view, shown.points]);
  const columns = useRoundTripColumns();
  const marked = useMemo(() => [selectionColumn(selected, t("result.selected")), ...columns], [columns, selected, t]);
  const choice = (
    <Segmented
      label={t("result.view")}
      value={view}
      onChange={setView}
      segments={(["trades", "equity"] as const).map((value) => ({ value, label: t(`result.${value}`) }))}
    />
  );
  if (view === "equity") {
    return (
      <div className="flex min-h-0 flex-1 flex-col overflow-y-auto p-2" data-points={points.length}>
        {choice}
        <EquityChart points={points} currency={quoteCurrency(run.symbol)} labels={labels} height={130} />
      </div>
    );
  }
  return (
    <DataGrid
      id="chartTrades"
      label={t("result.trades")}
      columns={marked}
      rows={shown.trips}
      empty={t("report.noTrades", { ns: "research" })}
      defaultSort={{ id: "entry", desc: true }}
      exportName={`backtest-${run.run_id}-trades`}
      onOpen={onSelect}
      toolbar={choice}
    />
  );
}

function selectionColumn(selected: number | null, words: string): Column<TripRow> {
  return {
    id: "selected",
    header: words,
    kind: "text",
    width: 40,
    grow: 0,
    priority: 1,
    sortable: false,
    value: (row) => (row.number === selected ? words : null),
    cell: (row) => (row.number === selected ? <span title={words}>●</span> : ""),
  };
}
