import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useStrategyNames } from "@/api/strategies";
import { PERIODS, usePeriod, utcDays } from "@/app/period";
import { useScope } from "@/app/scope";
import { Sparkline } from "@/charts/Sparkline";
import { AlertsPanel } from "@/features/dashboard/AlertsPanel";
import { Calendar } from "@/features/dashboard/Calendar";
import { EquityPanel } from "@/features/dashboard/EquityPanel";
import { GROUP_ORDERS, GroupBars, type GroupOrder } from "@/features/dashboard/GroupBars";
import { LatestDeals } from "@/features/dashboard/LatestDeals";
import { usePortfolio, useResultCurves, useStatistics, type Group } from "@/features/dashboard/reads";
import { Read } from "@/features/dashboard/Read";
import { Tiles } from "@/features/dashboard/Tiles";
import { EmptyState } from "@/kit/EmptyState";
import { ErrorState } from "@/kit/ErrorState";
import { Panel } from "@/kit/Panel";
import { Segmented } from "@/kit/Segmented";
import { Select } from "@/kit/Select";
import { usePreference } from "@/lib/preferences";
import { zoneLabel } from "@/lib/time";

const MOVERS = 8;

/** What the accounts are worth, what was earned in the period, and by what. */
export default function DashboardPage() {
  const { t } = useTranslation("dashboard");
  const { parameter, ids } = useScope();
  const days = usePeriod();
  const zone = usePreference("zone");
  const strategyName = useStrategyNames();
  const portfolio = usePortfolio(parameter);
  const byStrategy = useStatistics(parameter, days, "strategy");
  const byDay = useStatistics(parameter, days, "day");
  const bySymbol = useStatistics(parameter, days, "symbol");
  const results = useResultCurves(parameter, days);
  const [order, setOrder] = useState<GroupOrder>("result");
  const error = byStrategy.error ?? portfolio.error;
  const retry = () => void Promise.all([portfolio.refetch(), byStrategy.refetch()]);
  const note = (group: Group) =>
    group.closed_positions === 0 ? t("onlyOpen", { count: group.open_positions }) : t("groupNote", { count: group.closed_positions });
  const curve = (group: Group) => {
    const [one, ...others] = (results.data ?? []).filter(({ strategy_id }) => strategy_id === Number(group.key));
    if (one === undefined || others.length > 0 || one.points.length < 2) return null;
    return <Sparkline values={one.points.map(({ result }) => result)} />;
  };
  const amounts = (group: Group) =>
    (results.data ?? []).filter(({ strategy_id }) => strategy_id === Number(group.key)).flatMap(({ currency, points }) => {
      const last = points.at(-1);
      return last === undefined ? [] : [[currency, last.result] as const];
    });
  const strategy = (group: Group) => strategyName(Number(group.key)) || t("noStrategy");
  if (ids.length === 0) return <EmptyState title={t("noAccounts")} />;
  if (error !== null && byStrategy.data === undefined) {
    return <ErrorState error={error} onRetry={retry} />;
  }
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-2 overflow-auto p-2">
      <div className="flex flex-wrap items-center gap-3">
        <Segmented
          label={t("period.label", { ns: "common" })}
          value={days.name}
          onChange={days.choose}
          segments={PERIODS.map((value) => ({ value, label: t(`period.${value}`, { ns: "common" }) }))}
          className="max-sm:w-full"
        />
        <span className="num text-xs text-muted">{t("days", { start: days.start, end: days.end, zone: zoneLabel(zone) })}</span>
      </div>
      {error !== null && <ErrorState error={error} compact onRetry={retry} />}
      <Tiles accounts={parameter} portfolio={portfolio.data} statistics={byStrategy.data} />
      <div className="grid gap-2 xl:grid-cols-3">
        <EquityPanel days={days} />
        <Panel
          title={t("strategies.title")}
          actions={
            <Select
              label={t("order.label")}
              hiddenLabel
              value={order}
              onChange={setOrder}
              options={GROUP_ORDERS.map((value) => ({ value, label: t(`order.${value}`) }))}
            />
          }
        >
          <Read query={byStrategy}>
            {({ groups }) => <GroupBars groups={groups} name={strategy} note={note} empty={t("noneClosed")} order={order} curve={curve} amounts={amounts} />}
          </Read>
        </Panel>
        <Panel title={t("calendar.title")}>
          <Read query={byDay}>{({ groups }) => <Calendar groups={groups} {...utcDays(days)} />}</Read>
        </Panel>
        <Panel title={t("symbols.title")}>
          <Read query={bySymbol}>
            {({ groups }) => <GroupBars groups={groups} name={(group) => group.key} note={note} empty={t("noneClosed")} limit={MOVERS} />}
          </Read>
        </Panel>
        <Panel title={t("alerts.title")} className="max-h-96">
          <AlertsPanel />
        </Panel>
        <Panel title={t("deals.title")} className="max-h-96 xl:col-span-3">
          <LatestDeals accounts={parameter} />
        </Panel>
      </div>
    </div>
  );
}
