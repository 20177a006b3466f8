import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { binsOf } from "@/charts/curves";
import { ratioText } from "@/features/backtests/columns";
import type { Details, RoundTrip } from "@/features/backtests/reads";
import { Panel } from "@/kit/Panel";
import { toneOf, useFormats } from "@/lib/format";

const BINS = 20;

/** The return of each month. */
export function Months({ run }: { run: Details }) {
  const { t, i18n } = useTranslation("research");
  const { number } = useFormats();
  const rows = run.monthly_returns ?? [];
  const years = [...new Set(rows.map((row) => row.year))];
  const name = (month: number) => new Intl.DateTimeFormat(i18n.language, { month: "short", timeZone: "UTC" }).format(Date.UTC(2024, month - 1, 1));
  const months = Array.from({ length: 12 }, (_unused, index) => index + 1);
  return (
    <Panel title={t("report.months")}>
      <div className="overflow-x-auto p-2" tabIndex={0} role="region" aria-label={t("report.months")}>
        <table className="num w-full text-xs">
          <thead>
            <tr className="text-muted">
              <th className="text-start font-normal">{t("report.year")}</th>
              {months.map((month) => (
                <th key={month} className="px-1 text-end font-normal">
                  {name(month)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {years.map((year) => (
              <tr key={year}>
                <th className="py-1 text-start font-normal text-muted">{year}</th>
                {months.map((month) => {
                  const text = ratioText(rows.find((row) => row.year === year && row.month === month)?.return_pct ?? null);
                  const tone = toneOf(text);
                  return (
                    <td key={month} className={`px-1 text-end ${tone === "up" ? "text-up" : tone === "down" ? "text-down" : "text-muted"}`}>
                      {text === null ? "" : number(text, { plus: true, places: 1 })}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

/** How often which result of a round trip occurred. */
export function Histogram({ trips }: { trips: readonly RoundTrip[] }) {
  const { t } = useTranslation("research");
  const bins = useMemo(() => binsOf(trips.map((trip) => trip.pnl_pct), BINS), [trips]);
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  return (
    <Panel title={t("report.histogram")}>
      <div role="img" aria-label={t("report.histogramLabel", { count: trips.length })} className="flex h-32 items-end gap-px p-3">
        {bins.map((bin) => (
          <span
            key={bin.from}
            title={`${ratioText(bin.from)} … ${ratioText(bin.to)} %: ${bin.count}`}
            className={bin.from < 0 ? "flex-1 bg-down" : "flex-1 bg-up"}
            style={{ height: `${(bin.count / most) * 100}%` }}
          />
        ))}
      </div>
      <div className="num flex justify-between px-3 pb-2 text-2xs text-muted">
        <span>{ratioText(bins[0]?.from ?? null)} %</span>
        <span>{ratioText(bins.at(-1)?.to ?? null)} %</span>
      </div>
    </Panel>
  );
}
