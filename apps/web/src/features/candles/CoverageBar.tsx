import { useTranslation } from "react-i18next";
import type { Span, Stored } from "@/features/candles/reads";
import { useFormats } from "@/lib/format";

/** Where a series lies between the first and the last candle of all of them. */
export function CoverageBar({ row, span: [first, last] }: { row: Stored; span: Span }) {
  const { t } = useTranslation("candles");
  const { time } = useFormats();
  const length = Math.max(last - first, 1);
  const start = (Date.parse(row.first) - first) / length;
  const width = Math.max((Date.parse(row.last_close) - Date.parse(row.first)) / length, 0.005);
  const text = t("coverage.range", { first: time(row.first), last: time(row.last_close) });
  return (
    <span role="img" aria-label={text} title={text} className="my-auto block h-2.5 w-full rounded-sm bg-raise">
      <span
        className={`block h-full rounded-sm ${row.missing === 0 ? "bg-accent" : "bg-warn"}`}
        style={{ marginInlineStart: `${start * 100}%`, width: `${Math.min(width, 1 - start) * 100}%` }}
      />
    </span>
  );
}
