import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { TimeSeries } from "@/charts/TimeSeries";
import { byGroup, reasonOf, toneClass } from "@/features/backtests/Breakdown";
import { paramsText, ratioText, useExitReason } from "@/features/backtests/columns";
import { RANKS, useComparison, useRoundTripsOf, type Comparison } from "@/features/backtests/reads";
import { Read } from "@/features/dashboard/Read";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { Panel } from "@/kit/Panel";
import { Spinner } from "@/kit/Spinner";
import { NOTHING, useFormats } from "@/lib/format";

const COLOURS = ["blue", "orange", "purple", "cyan", "pink", "yellow"];

/** Runs side by side: figures, inputs that differ, equity curves from 100 on. */
export function Compare({ ids, onBack }: { ids: readonly number[]; onBack: () => void }) {
  const { t } = useTranslation("research");
  const query = useComparison(ids);
  return (
    <div className="flex flex-col gap-3 p-3">
      <div className="flex items-center gap-2">
        <Button icon={<Icon name="left" />} onClick={onBack}>
          {t("backtests")}
        </Button>
        <h2 className="text-base font-semibold">{t("compare.title", { count: ids.length })}</h2>
      </div>
      <Read query={query}>
        {(comparison) => (
          <>
            <Panel title={t("compare.curves")}>
              <Curves comparison={comparison} />
            </Panel>
            <Panel title={t("compare.figures")}>
              <Figures comparison={comparison} />
            </Panel>
            <Panel title={t("report.reasons")}>
              <Reasons ids={ids} />
            </Panel>
          </>
        )}
      </Read>
    </div>
  );
}

function Curves({ comparison }: { comparison: Comparison }) {
  const { t } = useTranslation("research");
  const props = useMemo(() => {
    const times = [...new Set(comparison.curves.flatMap((curve) => curve.points.map((point) => Date.parse(point.timestamp) / 1000)))].toSorted((a, b) => a - b);
    const series = comparison.curves.map((curve, index) => {
      const byTime = new Map(curve.points.map((point) => [Date.parse(point.timestamp) / 1000, point.equity]));
      let last: number | null = null;
      // A curve keeps its value until its next point: samples of two runs are not at the same times.
      const values = times.map((time) => (last = byTime.get(time) ?? last));
      return { label: `#${curve.run_id}`, color: COLOURS[index] ?? "accent", values };
    });
    return { times, series };
  }, [comparison]);
  return (
    <div className="p-2">
      <TimeSeries label={t("compare.curves")} height={260} {...props} />
    </div>
  );
}

function Figures({ comparison }: { comparison: Comparison }) {
  const { t } = useTranslation("research");
  const { number } = useFormats();
  const { items, differences } = comparison;
  return (
    <div className="overflow-x-auto p-3" role="region" tabIndex={0} aria-label={t("compare.figures")}>
      <table className="num w-full text-sm">
        <thead>
          <tr className="text-muted">
            <th className="text-start font-normal">{t("backtests")}</th>
            {items.map((run) => (
              <th key={run.run_id} className="px-2 text-end font-normal">
                #{run.run_id} {run.strategy} {paramsText(run.params)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {RANKS.map((name) => (
            <tr key={name} className="border-t border-line">
              <th className="py-1 text-start font-normal text-muted">{t(`figure.${name}`)}</th>
              {items.map((run) => (
                <td key={run.run_id} className="px-2 text-end">
                  {number(ratioText(run[name]))}
                </td>
              ))}
            </tr>
          ))}
          {differences.map((row) => (
            <tr key={row.name} className="border-t border-line text-warn">
              <th className="py-1 text-start font-normal">
                {row.name} <span className="text-2xs">{t("compare.differs")}</span>
              </th>
              {row.values.map((value, index) => (
                <td key={items[index]?.run_id ?? index} className="px-2 text-end">
                  {value === null || value === undefined ? NOTHING : String(value).slice(0, 24)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Number and result of the trades by the reason of their exit, of each run. */
function Reasons({ ids }: { ids: readonly number[] }) {
  const { t } = useTranslation("research");
  const { number } = useFormats();
  const words = useExitReason();
  const reads = useRoundTripsOf(ids);
  const found = reads.map((read) => new Map(byGroup(read.data ?? [], reasonOf).map((row) => [row.key, row])));
  const reasons = [...new Set(found.flatMap((rows) => [...rows.keys()]))];
  if (reads.some((read) => read.isPending)) return <Spinner />;
  return (
    <div className="overflow-x-auto p-3" role="region" tabIndex={0} aria-label={t("report.reasons")}>
      <table className="num w-full text-sm">
        <thead>
          <tr className="text-muted">
            <th className="text-start font-normal">{t("trip.reason")}</th>
            {ids.map((id) => (
              <th key={id} className="px-2 text-end font-normal">
                #{id}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {reasons.map((reason) => (
            <tr key={reason} className="border-t border-line">
              <th className="py-1 text-start font-normal text-muted">{words(reason)}</th>
              {ids.map((id, index) => {
                const row = found[index]?.get(reason);
                return (
                  <td key={id} className="px-2 text-end">
                    {row === undefined ? (
                      NOTHING
                    ) : (
                      <>
                        {row.count} · <span className={toneClass(row.pnl)}>{number(row.pnl, { places: 2, plus: true })}</span>
                      </>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
