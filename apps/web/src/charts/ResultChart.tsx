import { useId, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { TimeSeries } from "@/charts/TimeSeries";
import { fmt } from "@/lib/decimal";

interface Props {
  points: readonly { ts: string; result: string; drawdown: string }[];
  currency: string;
  labels: { result: string; drawdown: string };
  height?: number;
}

/** The sum of results over time, and below it the decrease since its maximum; numbers become floating point here alone. */
export function ResultChart({ points, currency, labels, height = 220 }: Props) {
  const { i18n } = useTranslation();
  const id = useId();
  const [result, drawdown] = useMemo(() => {
    const times = points.map((point) => new Date(point.ts).getTime() / 1000);
    const format = (value: number) => fmt(String(Math.round(value * 100) / 100), { places: 2, locale: i18n.language });
    const chart = (label: string, color: string, size: number, values: number[]) => ({
      label: `${label} ${currency}`,
      times,
      height: size,
      sync: id,
      series: [{ label: `${label}, ${currency}`, color, fill: true, values }],
      format,
      axisFormat: (value: number) => fmt(String(value), { locale: i18n.language }),
    });
    return [
      chart(labels.result, "accent", height, points.map((point) => Number(point.result))),
      chart(labels.drawdown, "down", Math.round(height * 0.45), points.map((point) => -Number(point.drawdown))),
    ] as const;
  }, [points, currency, labels, height, id, i18n.language]);
  return (
    <div className="flex flex-col gap-2 p-2">
      <TimeSeries {...result} />
      <TimeSeries {...drawdown} />
    </div>
  );
}
