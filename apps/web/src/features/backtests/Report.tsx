import { useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { curvePoints, openTrades } from "@/charts/curves";
import { EquityChart } from "@/charts/EquityChart";
import { TimeSeries } from "@/charts/TimeSeries";
import { paramsText, progressOf, ratioText, RUN_TONES } from "@/features/backtests/columns";
import { Breakdowns, ResultCalendar } from "@/features/backtests/Breakdown";
import { Histogram, Months } from "@/features/backtests/Distribution";
import { isUnderWay, useBacktest, useRoundTrips, useRunEquity, type Details, type RoundTrip } from "@/features/backtests/reads";
import { TradesPanel } from "@/features/backtests/TradesPanel";
import { SweepMap } from "@/features/backtests/SweepMap";
import { WalkForward } from "@/features/backtests/WalkForward";
import { Read } from "@/features/dashboard/Read";
import { Failure } from "@/features/research/Failure";
import { Button } from "@/kit/Button";
import { Facts } from "@/kit/DetailDrawer";
import { download } from "@/kit/grid/export";
import { Icon } from "@/kit/Icon";
import { Panel } from "@/kit/Panel";
import { StatTile } from "@/kit/StatTile";
import { StatusPill } from "@/kit/StatusPill";
import { NOTHING, toneOf, useFormats } from "@/lib/format";
import { quoteCurrency } from "@/lib/symbol";

/** Fewer round trips than this say little. */
const FEW_TRADES = 30;

/** One run: what it assumed, its figures, its curve, its trades. */
export function Report({ id, onBack }: { id: number; onBack: () => void }) {
  const { t } = useTranslation("research");
  const query = useBacktest(id);
  return (
    <div className="flex flex-col gap-3 p-3">
      <div className="flex flex-wrap items-center gap-2">
        <Button icon={<Icon name="left" />} onClick={onBack}>
          {t("backtests")}
        </Button>
        <h2 className="text-base font-semibold">{t("report.title", { id })}</h2>
        {query.data !== undefined && <Downloads run={query.data} />}
      </div>
      <Read query={query}>{(run) => <Result run={run} />}</Read>
    </div>
  );
}

function Downloads({ run }: { run: Details }) {
  const { t } = useTranslation("research");
  if (run.status !== "done" || run.kind === "sweep") return null;
  return (
    <span className="ms-auto flex gap-2">
      <a
        href={`/backtests/${run.run_id}/report`}
        target="_blank"
        rel="noreferrer"
        className="inline-flex h-(--control) items-center gap-1.5 rounded border border-line bg-panel px-2.5 text-sm font-medium hover:bg-raise"
      >
        <Icon name="external" />
        {t("report.html")}
      </a>
      <Button icon={<Icon name="download" />} onClick={() => download(`backtest-${run.run_id}.json`, "application/json", JSON.stringify(run, null, 2))}>
        {t("report.json")}
      </Button>
    </span>
  );
}

function Result({ run }: { run: Details }) {
  const { t } = useTranslation("research");
  const isSweep = run.kind === "sweep";
  const isDone = run.status === "done" && !isSweep;
  const trips = useRoundTrips(run.run_id, isDone);
  return (
    <>
      <Warnings run={run} />
      {run.status !== "done" && (
        <p role="status" className="flex items-center gap-3 text-sm">
          <StatusPill tone={RUN_TONES[run.status]}>{t(`runStatus.${run.status}`)}</StatusPill>
          {isUnderWay(run) && <progress aria-label={t("report.progress")} max={100} value={progressOf({ ...run, id: run.run_id })} className="h-2 w-64" />}
          {run.progress?.eta_s !== null && run.progress?.eta_s !== undefined && <span>{t("report.eta", { seconds: Math.ceil(run.progress.eta_s) })}</span>}
        </p>
      )}
      {run.error !== null && <Failure text={run.error} />}
      {isSweep && run.status === "done" && (run.sweep?.folds === null ? <SweepMap run={run} /> : <WalkForward run={run} />)}
      {isDone && <FigureTiles run={run} />}
      <div className="grid gap-3 xl:grid-cols-3">
        {isDone && <Curve run={run} />}
        <Assumptions run={run} />
      </div>
      {isDone && (
        <div className="grid gap-3 xl:grid-cols-2">
          <OpenTrades trips={trips.data ?? []} />
          <Months run={run} />
          <Histogram trips={trips.data ?? []} />
          <Breakdowns trips={trips.data ?? []} />
          <ResultCalendar trips={trips.data ?? []} currency={quoteCurrency(run.symbol)} />
        </div>
      )}
      {isDone && <TradesPanel run={run} trips={trips} />}
    </>
  );
}

function Warnings({ run }: { run: Details }) {
  const { t } = useTranslation("research");
  const found = [
    run.total_trades !== null && run.total_trades < FEW_TRADES ? t("warning.few", { count: run.total_trades }) : null,
    run.warmup_ok === false ? t("warning.warmup") : null,
    (run.data_gaps?.length ?? 0) > 0 ? t("warning.gaps", { count: run.data_gaps?.length ?? 0 }) : null,
    (run.refused?.length ?? 0) > 0 ? t("warning.refused", { count: run.refused?.length ?? 0 }) : null,
  ].filter((text) => text !== null);
  if (found.length === 0) return null;
  return (
    <ul className="flex flex-col gap-1 rounded border border-warn px-3 py-2 text-sm text-warn">
      {found.map((text) => (
        <li key={text} className="flex items-center gap-2">
          <Icon name="warn" />
          {text}
        </li>
      ))}
    </ul>
  );
}

const RATIOS = ["cagr_pct", "sharpe_ratio", "sortino_ratio", "max_drawdown", "profit_factor", "win_rate", "exposure_pct", "buy_and_hold_return_pct"] as const;
const PERCENTS: ReadonlySet<string> = new Set(["cagr_pct", "max_drawdown", "win_rate", "exposure_pct", "buy_and_hold_return_pct"]);

function FigureTiles({ run }: { run: Details }) {
  const { t } = useTranslation("research");
  const { number } = useFormats();
  const money = { places: 2 };
  const currency = quoteCurrency(run.symbol);
  const total = ratioText(run.total_return_pct);
  return (
    <div className="grid grid-cols-2 gap-2 sm:grid-cols-4 xl:grid-cols-6">
      <StatTile
        label={t("figure.total_return_pct")}
        value={number(total, { plus: true })}
        unit="%"
        tone={toneOf(total)}
        note={run.total_return === null ? NOTHING : `${number(run.total_return, { ...money, plus: true })} ${currency}`}
      />
      <StatTile label={t("figure.final_balance")} value={number(run.final_balance, money)} unit={currency} note={t("report.from", { amount: number(run.initial_balance, money) })} />
      <StatTile label={t("figure.total_trades")} value={String(run.total_trades ?? NOTHING)} note={t("report.wins", { wins: run.winning_trades ?? 0, losses: run.losing_trades ?? 0 })} />
      {RATIOS.map((name) => (
        <StatTile key={name} label={t(`figure.${name}`)} value={number(ratioText(run[name]))} {...(PERCENTS.has(name) ? { unit: "%" } : {})} />
      ))}
      <StatTile label={t("figure.expectancy")} value={number(run.expectancy, money)} unit={currency} />
      <StatTile label={t("figure.fees_paid")} value={number(run.fees_paid, money)} unit={currency} />
    </div>
  );
}

function Curve({ run }: { run: Details }) {
  const { t } = useTranslation("research");
  const query = useRunEquity(run.run_id, true);
  const labels = useMemo(() => ({ equity: t("report.equity"), drawdown: t("report.drawdown"), held: t("report.held") }), [t]);
  const points = useMemo(() => curvePoints(query.data?.items ?? []), [query.data]);
  return (
    <Panel title={t("report.equity")} className="xl:col-span-2">
      <Read query={query}>{(data) => (
        <>
          <EquityChart points={points} currency={quoteCurrency(run.symbol)} labels={labels} />
          {data.sampled && <p className="px-3 pb-2 text-2xs text-muted">{t("report.sampled")}</p>}
        </>
      )}</Read>
    </Panel>
  );
}

/** How many trades were open over time: long ones above zero, short ones below it. */
function OpenTrades({ trips }: { trips: readonly RoundTrip[] }) {
  const { t } = useTranslation("research");
  const { times, counts } = useMemo(() => openTrades(trips), [trips]);
  const title = t("report.openTrades");
  return (
    <Panel title={title} className="xl:col-span-2">
      {times.length === 0 ? (
        <p className="p-3 text-sm text-muted">{t("report.noTrades")}</p>
      ) : (
        <div className="p-2">
          <TimeSeries label={title} times={times} height={110} format={String} series={[{ label: title, color: "accent", fill: true, stepped: true, values: counts }]} />
        </div>
      )}
    </Panel>
  );
}

/** What the result rests on. */
function Assumptions({ run }: { run: Details }) {
  const { t } = useTranslation("research");
  const { time } = useFormats();
  const setting = (name: string): ReactNode => {
    const value = run.settings[name];
    return value === null || value === undefined ? NOTHING : typeof value === "boolean" ? t(value ? "yes" : "no") : String(value);
  };
  return (
    <Panel title={t("report.assumptions")}>
      <div className="p-3">
        <Facts
          facts={[
            [t("strategy"), `${run.strategy} ${run.version}`],
            [t("params"), paramsText(run.params) || t("report.defaults")],
            [t("instrument"), `${run.symbol} · ${run.exchange} · ${run.timeframe}`],
            [t("report.range"), `${time(run.first_at)} – ${time(run.last_at)}`],
            [t("report.fills"), t("report.fillRule")],
            ...(["commission", "slippage", "position_pct", "allow_short", "stop_loss_pct", "take_profit_pct", "stop_trailing_pct", "qty_step"] as const).map(
              (name) => [t(`settings.${name}`), setting(name)] as const,
            ),
            [t("report.warmup"), run.warmup_bars === null ? NOTHING : String(run.warmup_bars)],
            [t("report.gaps"), String(run.data_gaps?.length ?? 0)],
            [t("report.paramsHash"), run.hashes.params.slice(0, 16)],
            [t("report.dataHash"), run.hashes.data?.slice(0, 16) ?? NOTHING],
          ]}
        />
      </div>
    </Panel>
  );
}
