import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import type { Decimal } from "@/lib/decimal";
import { NOTHING, toneOf, useFormats } from "@/lib/format";
import { placesOf } from "@/lib/symbol";

const TONES = { up: "text-up", down: "text-down" };

/** Profits by currency, each with its sign; null: a price is missing. Currencies are never added to each other. */
export function Amounts({ amounts }: { amounts: Readonly<Record<string, Decimal | null>> }) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const entries = Object.entries(amounts);
  if (entries.length === 0) return NOTHING;
  return (
    <span className="num inline-flex flex-wrap gap-x-2">
      {entries.map(([currency, amount]) => {
        const tone = toneOf(amount);
        return (
          <span key={currency} className={cx(tone !== undefined && TONES[tone])} title={amount ?? t("sums.noPrice")}>
            {number(amount, { places: placesOf(currency), plus: true })} {currency}
          </span>
        );
      })}
    </span>
  );
}
