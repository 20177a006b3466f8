import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import { paramsText, ratioText } from "@/features/backtests/columns";
import { BACKTESTS_QUERY, RANKS, type Details, type Rank } from "@/features/backtests/reads";
import { Read } from "@/features/dashboard/Read";
import { Panel } from "@/kit/Panel";
import { useFormats } from "@/lib/format";

const ROWS_MAX = 1000;

/** The figure of each combination of two parameters, by colour and number; of the others the best. */
export function SweepMap({ run }: { run: Details }) {
  const { t } = useTranslation("research");
  const { number } = useFormats();
  const figure: Rank = RANKS.find((name) => name === run.sweep?.sort) ?? "total_return_pct";
  const query = useQuery({
    queryKey: [...BACKTESTS_QUERY, run.run_id, "combinations"],
    queryFn: async () =>
      (await call(api.GET("/backtests/{run_id}/combinations", { params: { path: { run_id: run.run_id }, query: { limit: ROWS_MAX } } }))).items,
  });
  const [across = "", down = ""] = (run.sweep?.grid ?? []).map((text) => text.split("=")[0] ?? "");
  return (
    <Panel title={t("sweep.title", { figure: t(`figure.${figure}`) })}>
      <Read query={query}>
        {(rows) => {
          const valuesOf = (name: string) => [...new Set(rows.map((row) => String(row.params[name] ?? "")))].toSorted((a, b) => Number(a) - Number(b));
          const found = rows.map((row) => row[figure]).filter((value): value is number => value !== null);
          const [low, high] = [Math.min(...found), Math.max(...found)];
          return (
            <div className="overflow-x-auto p-3" role="region" tabIndex={0} aria-label={t("sweep.label")}>
              <table className="num text-xs">
                <thead>
                  <tr>
                    <th className="px-2 text-start font-normal text-muted">{down === "" ? across : `${down} / ${across}`}</th>
                    {valuesOf(across).map((value) => (
                      <th key={value} className="px-2 text-end font-normal text-muted">
                        {value}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {valuesOf(down).map((row) => (
                    <tr key={row}>
                      <th className="px-2 py-1 text-start font-normal text-muted">{row}</th>
                      {valuesOf(across).map((column) => {
                        const best = rows.find((one) => String(one.params[across] ?? "") === column && String(one.params[down] ?? "") === row);
                        const value = best?.[figure] ?? null;
                        const part = value === null || high === low ? 0 : (value - low) / (high - low);
                        return (
                          <td
                            key={column}
                            title={best === undefined ? "" : paramsText(best.params)}
                            className="px-2 py-1 text-end"
                            style={{ background: `color-mix(in srgb, var(--accent) ${Math.round(part * 35)}%, transparent)` }}
                          >
                            {number(ratioText(value))}
                          </td>
                        );
                      })}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          );
        }}
      </Read>
    </Panel>
  );
}
