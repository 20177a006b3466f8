import { useTranslation } from "react-i18next";
import type { Position } from "@/api/types";
import { PaintedCell } from "@/kit/grid/PaintedCell";
import { shorten } from "@/lib/decimal";
import { NOTHING, toneOf, useFormats } from "@/lib/format";
import { placesOf, profitCurrency } from "@/lib/symbol";
import { openPositions } from "@/live/live";

/** The prices and the unrealized profit of a position, live, inside a dialog. */
export function ProfitNow({ position }: { position: Position }) {
  const { t } = useTranslation("positions");
  const { number } = useFormats();
  return (
    <>
      <p className="num flex justify-between text-sm">
        <span className="text-muted">{t("close.prices")}</span>
        <span>
          {number(shorten(position.avg_price))}
          {" → "}
          <PaintedCell row={position} store={openPositions} paint={(row) => ({ text: number(row.mark_price) })} />
        </span>
      </p>
      <p className="num flex justify-between text-sm">
        <span className="text-muted">{t("close.pnlNow")}</span>
        <PaintedCell
          row={position}
          store={openPositions}
          paint={(row) => ({
            text:
              row.unrealized_pnl === null
                ? NOTHING
                : `${number(row.unrealized_pnl, { places: placesOf(profitCurrency(row.symbol)), plus: true })} ${profitCurrency(row.symbol)}`,
            tone: toneOf(row.unrealized_pnl),
            title: row.unrealized_pnl ?? "",
          })}
        />
      </p>
    </>
  );
}
