import { lazy, Suspense, useMemo, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useStrategyNames } from "@/api/strategies";
import type { Days } from "@/app/period";
import { useAccountNames, useScope } from "@/app/scope";
import { useEquity, useResultCurves, type EquityCurve } from "@/features/dashboard/reads";
import { EmptyState } from "@/kit/EmptyState";
import { ErrorState } from "@/kit/ErrorState";
import { Panel } from "@/kit/Panel";
import { Select } from "@/kit/Select";
import { Spinner } from "@/kit/Spinner";
import { sign, sub } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { placesOf } from "@/lib/symbol";

const EquityChart = lazy(async () => ({ default: (await import("@/charts/EquityChart")).EquityChart }));
const ResultChart = lazy(async () => ({ default: (await import("@/charts/ResultChart")).ResultChart }));

/** What can be shown: the equity of an account, or the results of a strategy. */
interface Choice {
  value: string;
  label: string;
  chart: ReactNode;
}

/** Equity and drawdown of one account, or the sum of the results of one strategy; accounts differ in currency, so they are not added here. */
export function EquityPanel({ days }: { days: Days }) {
  const { t } = useTranslation("dashboard");
  const { accounts, parameter: all } = useScope();
  // A key that is restricted to strategies gets no equity of the account: it belongs to all of them.
  const parameter = accounts.filter((one) => !one.restrict_to_strategies).map((one) => one.account_id).join(",");
  const equity = useEquity(parameter, days);
  const results = useResultCurves(all, days);
  const [chosen, setChosen] = useState<string | null>(null);
  const choices = [...useEquityChoices(equity.data ?? []), ...useResultChoices(results.data ?? [])];
  const choice = choices.find((item) => item.value === chosen) ?? choices[0];
  const failed = [equity, results].find((query) => query.error !== null && query.data === undefined);
  const isPending = (equity.isPending && parameter !== "") || (results.isPending && all !== "");
  return (
    <Panel
      title={t("equity.title")}
      className="xl:col-span-2"
      actions={
        choice !== undefined && (
          <Select
            label={t("equity.choice")}
            hiddenLabel
            value={choice.value}
            onChange={setChosen}
            options={choices.map(({ value, label }) => ({ value, label }))}
          />
        )
      }
    >
      {failed !== undefined && <ErrorState error={failed.error} compact={choice !== undefined} onRetry={() => void failed.refetch()} />}
      {choice !== undefined ? (
        <Suspense fallback={<Spinner />}>{choice.chart}</Suspense>
      ) : failed === undefined && isPending ? (
        <p className="m-auto p-6"><Spinner /></p>
      ) : failed === undefined ? (
        <EmptyState title={t(parameter === "" && accounts.length > 0 ? "equity.restricted" : "equity.empty")} />
      ) : null}
    </Panel>
  );
}

function useEquityChoices(curves: NonNullable<ReturnType<typeof useEquity>["data"]>): Choice[] {
  const { t } = useTranslation("dashboard");
  const name = useAccountNames();
  const labels = useMemo(() => ({ equity: t("equity.title"), drawdown: t("equity.drawdown") }), [t]);
  return curves
    .filter((curve) => curve.points.length > 1)
    .map((curve) => ({
      value: `account ${curve.account_id}`,
      label: name(curve.account_id).label,
      chart: (
        <>
          <EquityChart points={curve.points} currency={curve.currency} labels={labels} />
          <Flows curve={curve} />
        </>
      ),
    }));
}

/** What was paid in and out in these days: it moves equity, and is no result. */
function Flows({ curve }: { curve: EquityCurve }) {
  const { t } = useTranslation("dashboard");
  const { number } = useFormats();
  const paid = sub(curve.points.at(-1)?.flows ?? "0", curve.points[0]?.flows ?? "0");
  if (sign(paid) === 0) return null;
  const amount = `${number(paid, { places: placesOf(curve.currency), plus: true })} ${curve.currency}`;
  return <p className="num px-4 pb-2 text-2xs text-muted">{t("equity.flows", { amount })}</p>;
}

function useResultChoices(curves: NonNullable<ReturnType<typeof useResultCurves>["data"]>): Choice[] {
  const { t } = useTranslation("dashboard");
  const name = useStrategyNames();
  const labels = useMemo(() => ({ result: t("equity.results"), drawdown: t("equity.drawdown") }), [t]);
  return curves
    .filter((curve) => curve.points.length > 1)
    .map((curve) => ({
      value: `strategy ${curve.strategy_id} ${curve.currency}`,
      label: t("equity.strategy", { name: name(curve.strategy_id) || t("noStrategy"), currency: curve.currency }),
      chart: <ResultChart points={curve.points} currency={curve.currency} labels={labels} />,
    }));
}
