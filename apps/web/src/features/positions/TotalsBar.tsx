import { useTranslation } from "react-i18next";
import type { Position } from "@/api/types";
import { totalsOf } from "@/features/positions/figures";
import { cx } from "@/lib/cx";
import { toneOf, useFormats } from "@/lib/format";
import { placesOf } from "@/lib/symbol";

const TONES = { up: "text-up", down: "text-down" };

/** Sums of the shown positions by currency, renewed once a second. */
export function TotalsBar({ positions }: { positions: readonly Position[] }) {
  const { t } = useTranslation("positions");
  const { number } = useFormats();
  const long = positions.filter((row) => row.side === "buy").length;
  return (
    <div
      aria-label={t("totals.label")}
      role="group"
      className="num flex min-h-9 flex-wrap items-center gap-x-5 gap-y-1 border-t border-line bg-panel px-3 py-1 text-sm"
    >
      <span className="text-muted">
        {t("totals.long")} {long} · {t("totals.short")} {positions.length - long}
      </span>
      {totalsOf(positions).map((total) => {
        const tone = toneOf(total.unrealized);
        return (
          <span key={total.currency} className="flex items-baseline gap-2">
            <span className="text-xs text-muted">{t("totals.profit")}</span>
            <span className={cx("font-semibold", tone !== undefined && TONES[tone])}>
              {number(total.unrealized, { places: placesOf(total.currency), plus: true })} {total.currency}
            </span>
            <span className="text-xs text-muted">
              {t("totals.realized")} {number(total.realized, { places: placesOf(total.currency), plus: true })}
              {total.unpriced > 0 && ` · ${total.unpriced} ${t("noPrice")}`}
            </span>
          </span>
        );
      })}
    </div>
  );
}
