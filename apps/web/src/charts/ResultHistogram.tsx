import { cx } from "@/lib/cx";
import type { Decimal } from "@/lib/decimal";
import { histogramOf } from "@/charts/histogram";

const HEIGHT_PX = 24;

/** How results are spread, from the worst to the best, as bars beside a figure. */
export function ResultHistogram({ results, label }: { results: readonly Decimal[]; label: string }) {
  const bars = histogramOf(results);
  if (bars.length === 0) return null;
  const most = Math.max(...bars.map((bar) => bar.count));
  return (
    <span role="img" aria-label={label} title={label} className="flex items-end gap-px" style={{ height: HEIGHT_PX }}>
      {bars.map((bar) => (
        <span
          key={bar.from}
          className={cx("w-1.5", bar.from < 0 ? "bg-down" : "bg-up")}
          style={{ height: bar.count === 0 ? 1 : Math.max(2, (bar.count / most) * HEIGHT_PX) }}
        />
      ))}
    </span>
  );
}
