import { useTranslation } from "react-i18next";
import { paramsText, ratioText } from "@/features/backtests/columns";
import { RANKS, type Details, type Rank } from "@/features/backtests/reads";
import { Panel } from "@/kit/Panel";
import { NOTHING, useFormats } from "@/lib/format";

/** A part of a walk-forward test: what was chosen on the candles before it, and what it was worth. */
interface Fold {
  start: string;
  end: string;
  params: Record<string, unknown> | null;
  past: Partial<Record<Rank, number | null>>;
  unseen: Partial<Record<Rank, number | null>> | null;
  error: string | null;
}

/** The parameters that each part chose on its past, with their figures there and on the part itself. */
export function WalkForward({ run }: { run: Details }) {
  const { t } = useTranslation("research");
  const { time, number } = useFormats();
  const figure: Rank = RANKS.find((name) => name === run.sweep?.sort) ?? "total_return_pct";
  const folds = (run.sweep?.unseen ?? []) as unknown as Fold[];
  const shown = (figures: Fold["unseen"], name: Rank) => number(ratioText(figures?.[name] ?? null));
  return (
    <Panel title={t("folds.title", { figure: t(`figure.${figure}`) })}>
      <div className="overflow-x-auto p-3" role="region" tabIndex={0} aria-label={t("folds.label")}>
        <table className="num w-full text-sm">
          <thead>
            <tr className="text-muted">
              {[t("folds.part"), t("params"), t("folds.past"), t("folds.unseen"), t("figure.total_return_pct")].map((name, index) => (
                <th key={name} className={`px-2 font-normal ${index < 2 ? "text-start" : "text-end"}`}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {folds.map((fold) => (
              <tr key={fold.start} className="border-t border-line">
                <th className="px-2 py-1 text-start font-normal">
                  {time(fold.start)} – {time(fold.end)}
                </th>
                <td className="px-2">{fold.error ?? (fold.params === null ? NOTHING : paramsText(fold.params))}</td>
                <td className="px-2 text-end">{shown(fold.past, figure)}</td>
                <td className="px-2 text-end">{shown(fold.unseen, figure)}</td>
                <td className="px-2 text-end">{shown(fold.unseen, "total_return_pct")}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <p className="pt-2 text-sm">
          {t("folds.total")}: {number(ratioText(run.sweep?.unseen_return_pct ?? null), { plus: true })} %
        </p>
      </div>
    </Panel>
  );
}
