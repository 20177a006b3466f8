import { useTranslation } from "react-i18next";
import type { Scene } from "@/charts/candles/scene";
import type { ChartSettings } from "@/features/chart/settings";
import { useFormats } from "@/lib/format";

/** What the chart shows, in one sentence. */
export function useSummary(settings: ChartSettings, { candles, markers }: Scene): string {
  const { t } = useTranslation("chart");
  const { time, number } = useFormats();
  const last = candles.at(-1);
  return t("summary", {
    symbol: settings.symbol ?? "",
    timeframe: settings.timeframe,
    count: candles.length,
    from: time(candles[0]?.time ?? null),
    to: time(last?.time ?? null),
    close: number(last?.close ?? null),
    markers: markers.length,
  });
}
