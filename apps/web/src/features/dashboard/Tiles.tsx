import { useTranslation } from "react-i18next";
import type { Portfolio, Statistics } from "@/features/dashboard/reads";
import { StatTile } from "@/kit/StatTile";
import { toneOf, useFormats } from "@/lib/format";
import { placesOf } from "@/lib/symbol";

/** Fewer closed positions than this are named beside ratios: they say little. */
const SMALL_SAMPLE = 30;

interface Props {
  portfolio: Portfolio | undefined;
  statistics: Statistics | undefined;
}

function placesIn(unit: string | null | undefined): number {
  return unit ? placesOf(unit) : 2;
}

/** The figures of the period and of now; each leads to the list behind it. */
export function Tiles({ portfolio, statistics }: Props) {
  const { t } = useTranslation("dashboard");
  const { number } = useFormats();
  const total = portfolio?.total;
  const currency = total?.currency ?? "";
  const missing = total?.missing_rates ?? [];
  const closed = statistics?.closed_positions ?? 0;
  const isMixed = statistics !== undefined && closed > 0 && statistics.currency === null;
  const mixed = isMixed ? t("severalCurrencies") : "";
  const sample = statistics === undefined ? "" : t(closed < SMALL_SAMPLE ? "smallSample" : "sample", { count: closed });
  const hasRate = statistics !== undefined && statistics.winrate !== null;
  const places = placesIn(currency);
  const ofResults = placesIn(statistics?.currency);
  return (
    <div className="grid grid-cols-2 gap-2 md:grid-cols-4 xl:grid-cols-8">
      <StatTile
        label={t("tile.equity")}
        value={number(total?.equity ?? null, { places })}
        unit={currency}
        note={missing.length > 0 ? t("missingRates", { currencies: missing.join(", ") }) : ""}
        tone={missing.length > 0 ? "warn" : undefined}
      />
      <StatTile
        label={t("tile.unrealized")}
        value={number(total?.unrealized ?? null, { places, plus: true })}
        unit={currency}
        tone={toneOf(total?.unrealized ?? null)}
        to="/positions"
      />
      <StatTile label={t("tile.exposure")} value={number(total?.market_value ?? null, { places })} unit={currency} to="/positions" />
      <StatTile
        label={t("tile.result")}
        value={number(statistics?.total_pnl ?? null, { places: ofResults, plus: true })}
        unit={statistics?.currency ?? ""}
        note={mixed || sample}
        tone={toneOf(statistics?.total_pnl ?? null)}
        to="/positions/history"
      />
      <StatTile label={t("tile.fees")} value={number(statistics?.fees_total ?? null, { places: ofResults })} unit={statistics?.currency ?? ""} note={mixed} to="/deals" />
      <StatTile label={t("tile.winRate")} value={number(statistics?.winrate ?? null, { places: 1 })} unit={hasRate ? "%" : ""} note={sample} to="/positions/history" />
      <StatTile label={t("tile.profitFactor")} value={number(statistics?.profit_factor ?? null, { places: 2 })} note={mixed || sample} />
      <StatTile
        label={t("tile.drawdown")}
        value={number(statistics?.max_drawdown ?? null, { places: ofResults })}
        unit={statistics?.currency ?? ""}
        note={mixed || t("ofClosed")}
      />
    </div>
  );
}
