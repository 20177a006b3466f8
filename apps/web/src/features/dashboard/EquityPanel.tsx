import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Days } from "@/app/period";
import { useAccountNames, useScope } from "@/app/scope";
import { useEquity } from "@/features/dashboard/reads";
import { EmptyState } from "@/kit/EmptyState";
import { ErrorState } from "@/kit/ErrorState";
import { Panel } from "@/kit/Panel";
import { Select } from "@/kit/Select";
import { Spinner } from "@/kit/Spinner";

const EquityChart = lazy(async () => ({ default: (await import("@/charts/EquityChart")).EquityChart }));

/** Equity and drawdown of one account; accounts differ in currency, so they are not added here. */
export function EquityPanel({ days }: { days: Days }) {
  const { t } = useTranslation("dashboard");
  const { accounts } = useScope();
  // A key that is restricted to strategies gets no equity of the account: it belongs to all of them.
  const parameter = accounts.filter((one) => !one.restrict_to_strategies).map((one) => one.account_id).join(",");
  const name = useAccountNames();
  const { data, error, isPending, refetch } = useEquity(parameter, days);
  const [chosen, setChosen] = useState<string | null>(null);
  const labels = useMemo(() => ({ equity: t("equity.title"), drawdown: t("equity.drawdown") }), [t]);
  const curves = data ?? [];
  const curve = curves.find((item) => String(item.account_id) === chosen) ?? curves[0];
  const options = curves.map((item) => ({ value: String(item.account_id), label: name(item.account_id).label }));
  return (
    <Panel
      title={t("equity.title")}
      className="xl:col-span-2"
      actions={
        curve !== undefined && (
          <Select label={t("equity.account")} hiddenLabel value={String(curve.account_id)} onChange={setChosen} options={options} />
        )
      }
    >
      {parameter === "" && accounts.length > 0 ? (
        <EmptyState title={t("equity.restricted")} />
      ) : error !== null && data === undefined ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : isPending && parameter !== "" ? (
        <p className="m-auto p-6"><Spinner /></p>
      ) : curve === undefined || curve.points.length < 2 ? (
        <EmptyState title={t("equity.empty")} />
      ) : (
        <Suspense fallback={<Spinner />}>
          <EquityChart points={curve.points} currency={curve.currency} labels={labels} />
        </Suspense>
      )}
    </Panel>
  );
}
