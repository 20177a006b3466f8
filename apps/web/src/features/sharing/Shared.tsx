import { lazy, Suspense, useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";
import { SharedPositions } from "@/features/sharing/SharedPositions";
import { useShared, type Shared as Figures } from "@/features/sharing/reads";
import { EmptyState } from "@/kit/EmptyState";
import { ErrorState } from "@/kit/ErrorState";
import { Panel } from "@/kit/Panel";
import { Spinner } from "@/kit/Spinner";
import { StatTile } from "@/kit/StatTile";
import { toneOf, useFormats } from "@/lib/format";
import { usePreference } from "@/lib/preferences";
import { placesOf } from "@/lib/symbol";
import { zoneLabel } from "@/lib/time";

const ChangeChart = lazy(async () => ({ default: (await import("@/charts/ChangeChart")).ChangeChart }));

/** What a share link shows, to readers without an account. */
export default function Shared({ token }: { token: string }) {
  const { t } = useTranslation("sharing");
  const { data, error, refetch } = useShared(token);
  const ended = token === "" || (error instanceof ApiError && error.code === "not_found");
  if (ended) {
    return (
      <main className="m-auto" aria-label={t("shared.ended")}>
        <EmptyState title={t("shared.ended")}>{t("shared.endedHint")}</EmptyState>
      </main>
    );
  }
  if (data === undefined) {
    return <main className="m-auto">{error === null ? <Spinner /> : <ErrorState error={error} onRetry={() => void refetch()} />}</main>;
  }
  return (
    <>
      <Head figures={data} stale={error !== null} />
      <main className="mx-auto flex min-h-0 w-full max-w-5xl flex-1 flex-col gap-2 overflow-auto p-2">
        {data.stats !== null && <Results stats={data.stats} />}
        {data.equity !== null && <Curves curves={data.equity} />}
        {data.positions !== null && <SharedPositions positions={data.positions} withAmounts={data.shows_amounts} />}
      </main>
    </>
  );
}

function Head({ figures, stale }: { figures: Figures; stale: boolean }) {
  const { t } = useTranslation("sharing");
  const { time } = useFormats();
  const zone = zoneLabel(usePreference("zone"));
  // A link without a title of its own has the code of its view as title.
  const title = figures.title === figures.view ? t(`views.${figures.view}`) : figures.title;
  const notes: ReactNode[] = [
    t("shared.asOf", { time: time(figures.as_of), zone }),
    figures.since === null ? t("everything") : t("shared.since", { time: time(figures.since) }),
    t("shared.until", { time: time(figures.expires_at) }),
  ];
  return (
    <header className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line bg-panel px-3 py-2">
      <img src="/ui/favicon.svg" alt="" width={20} height={20} />
      <h1 className="text-base font-semibold">{title}</h1>
      <p className="num text-xs text-muted">{figures.view === "positions" ? [notes[0], notes[2]].join(" · ") : notes.join(" · ")}</p>
      {stale && <p className="text-xs text-warn">{t("shared.stale")}</p>}
    </header>
  );
}

function Results({ stats }: { stats: NonNullable<Figures["stats"]> }) {
  const { t } = useTranslation("stats");
  const { number } = useFormats();
  const currency = stats.currency ?? "";
  const places = placesOf(currency);
  const count = (name: "closed_positions" | "open_positions" | "winning_trades" | "losing_trades" | "max_win_streak" | "max_loss_streak") => (
    <StatTile label={t(`column.${name}`)} value={number(String(stats[name]))} />
  );
  const ratio = (name: "winrate" | "profit_factor" | "payoff_ratio", unit = "") => (
    <StatTile label={t(`column.${name}`)} value={number(stats[name], { places: 2 })} unit={stats[name] === null ? "" : unit} />
  );
  const amount = (name: "total_pnl" | "avg_pnl_per_trade" | "avg_pnl_win" | "avg_pnl_loss" | "max_drawdown" | "fees_total", signed = true) =>
    stats[name] !== null && (
      <StatTile
        label={t(`column.${name}`)}
        value={number(stats[name], { places, plus: signed })}
        unit={currency}
        tone={signed ? toneOf(stats[name]) : undefined}
      />
    );
  return (
    <div className="grid grid-cols-2 gap-2 md:grid-cols-4">
      {count("closed_positions")}
      {count("open_positions")}
      {ratio("winrate", "%")}
      {ratio("profit_factor")}
      {ratio("payoff_ratio")}
      {count("winning_trades")}
      {count("losing_trades")}
      {count("max_win_streak")}
      {count("max_loss_streak")}
      {amount("total_pnl")}
      {amount("avg_pnl_per_trade")}
      {amount("avg_pnl_win")}
      {amount("avg_pnl_loss")}
      {amount("max_drawdown", false)}
      {amount("fees_total", false)}
    </div>
  );
}

function Curves({ curves }: { curves: NonNullable<Figures["equity"]> }) {
  const { t } = useTranslation("sharing");
  const labels = useMemo(() => ({ change: t("shared.change"), drawdown: t("shared.drawdown") }), [t]);
  const drawn = curves.filter((curve) => curve.points.length > 1);
  if (drawn.length === 0) return <EmptyState title={t("shared.noCurve")} />;
  return drawn.map((curve, index) => (
    <Panel key={index} title={drawn.length === 1 ? curve.currency : t("shared.account", { number: index + 1, currency: curve.currency })}>
      <Suspense fallback={<Spinner />}>
        <ChangeChart points={curve.points} labels={labels} />
      </Suspense>
      <LastPoint points={curve.points} currency={curve.currency} />
    </Panel>
  ));
}

/** The newest point in words: what the chart ends with. */
function LastPoint({ points, currency }: { points: NonNullable<Figures["equity"]>[number]["points"]; currency: string }) {
  const { t } = useTranslation("sharing");
  const { number, time } = useFormats();
  const last = points.at(-1);
  if (last === undefined) return null;
  return (
    <p className="num px-3 pb-2 text-sm">
      {t("shared.last", { time: time(last.ts), change: number(last.change_pct, { places: 2, plus: true }) })}
      {last.equity !== null && ` · ${number(last.equity, { places: placesOf(currency) })} ${currency}`}
    </p>
  );
}
