import { useTranslation } from "react-i18next";

/** Whose library draws the candles; its licence asks for the notice and the link. */
const LIBRARY = { author: "TradingView", address: "https://www.tradingview.com/" };

/** Names the library that draws the candles. */
export function ChartCredit() {
  const { t } = useTranslation("chart");
  return (
    <span className="text-2xs text-muted">
      {t("footer")}{" "}
      <a href={LIBRARY.address} target="_blank" rel="noreferrer" className="underline">
        {LIBRARY.author}
      </a>
      . {t("licence")}
    </span>
  );
}
