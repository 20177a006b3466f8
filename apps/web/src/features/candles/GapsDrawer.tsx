import { useTranslation } from "react-i18next";
import { fillCommand, useGaps, type Gaps, type Stored } from "@/features/candles/reads";
import { Read } from "@/features/dashboard/Read";
import { CopyButton } from "@/kit/CopyButton";
import { DetailDrawer, Facts } from "@/kit/DetailDrawer";
import { NOTHING, useFormats } from "@/lib/format";
import { fmtDuration } from "@/lib/time";

/** A stored series: its range, its gaps, and the command that fetches what is missing. */
export function GapsDrawer({ series, onClose }: { series: Stored; onClose: () => void }) {
  const { t } = useTranslation("candles");
  const { time, number } = useFormats();
  const command = fillCommand(series);
  return (
    <DetailDrawer open onClose={onClose} title={`${series.symbol} · ${series.exchange} · ${series.timeframe}`}>
      <Facts
        facts={[
          [t("coverage.candles"), number(String(series.candles))],
          [t("coverage.missing"), series.missing === null ? NOTHING : number(String(series.missing))],
          [t("coverage.first"), time(series.first)],
          [t("coverage.lastClose"), time(series.last_close)],
          [t("series.lag"), fmtDuration(series.lag_seconds * 1000)],
        ]}
      />
      <section aria-label={t("coverage.fill")} className="flex flex-col gap-1">
        <h3 className="text-sm font-semibold">{t("coverage.fill")}</h3>
        <p className="text-xs text-muted">{t("coverage.fillHint")}</p>
        <div className="flex items-start gap-2">
          <code data-command className="min-w-0 flex-1 rounded bg-raise px-2 py-1 text-xs break-words">
            {command}
          </code>
          <CopyButton text={() => command} tone="quiet" />
        </div>
      </section>
      <section aria-label={t("coverage.gaps")} className="flex flex-col gap-1">
        <h3 className="text-sm font-semibold">{t("coverage.gaps")}</h3>
        {series.missing === null ? (
          <p className="text-sm text-muted">{t("coverage.unknown")}</p>
        ) : (
          <Found series={series} />
        )}
      </section>
    </DetailDrawer>
  );
}

function Found({ series }: { series: Stored }) {
  const query = useGaps(series);
  return <Read query={query}>{(found) => <GapList found={found} />}</Read>;
}

function GapList({ found }: { found: Gaps }) {
  const { t } = useTranslation("candles");
  const { time, number } = useFormats();
  if (found.items.length === 0) return <p className="text-sm text-muted">{t("coverage.complete")}</p>;
  return (
    <>
      <p className="text-xs text-muted">
        {t("coverage.searched", { start: time(found.start), end: time(found.end), gaps: number(String(found.gaps)), missing: number(String(found.missing)) })}
      </p>
      <ul className="num flex flex-col text-xs">
        {found.items.toReversed().map((gap) => (
          <li key={gap.start} className="flex justify-between gap-2 border-t border-line py-1">
            <span>
              {time(gap.start)} – {time(gap.end)}
            </span>
            <span className="text-warn">{t("coverage.count", { count: gap.candles })}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
