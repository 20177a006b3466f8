import { useTranslation } from "react-i18next";
import { sumsByCurrency } from "@/app/sums";
import { cx } from "@/lib/cx";
import type { Decimal } from "@/lib/decimal";
import { toneOf, useFormats } from "@/lib/format";
import { placesOf, profitCurrency } from "@/lib/symbol";

interface Props<Row extends { symbol: string }> {
  label: string;
  rows: readonly Row[];
  profit: (row: Row) => Decimal | null;
  fees: (row: Row) => Record<string, Decimal>;
}

const TONES = { up: "text-up", down: "text-down" };

/** Profit and fees of the loaded rows by currency; currencies are never added to each other. */
export function ProfitSums<Row extends { symbol: string }>({ label, rows, profit, fees }: Props<Row>) {
  const { t } = useTranslation();
  const { number } = useFormats();
  const profits = sumsByCurrency(
    rows.flatMap((row) => {
      const value = profit(row);
      return value === null ? [] : [[profitCurrency(row.symbol), value] as const];
    }),
  );
  const paid = sumsByCurrency(rows.flatMap((row) => Object.entries(fees(row))));
  return (
    <div
      role="group"
      aria-label={label}
      className="num flex min-h-9 flex-wrap items-center gap-x-5 gap-y-1 border-t border-line bg-panel px-3 py-1 text-sm"
    >
      <span className="text-xs text-muted">{label}</span>
      {profits.map(([currency, value]) => {
        const tone = toneOf(value);
        return (
          <span key={currency}>
            <span className="me-2 text-xs text-muted">{t("sums.profit")}</span>
            <span className={cx("font-semibold", tone !== undefined && TONES[tone])}>
              {number(value, { places: placesOf(currency), plus: true })} {currency}
            </span>
          </span>
        );
      })}
      {paid.map(([currency, value]) => (
        <span key={currency}>
          <span className="me-2 text-xs text-muted">{t("sums.fees")}</span>
          {number(value, { places: Math.max(4, placesOf(currency)) })} {currency}
        </span>
      ))}
    </div>
  );
}
