import { useId, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { TimeSeries } from "@/charts/TimeSeries";
import { fmt } from "@/lib/decimal";

export interface EquityPoint {
  ts: string;
  equity: string;
  drawdown_pct: string | null;
  held?: number | null;
}

interface Props {
  points: readonly EquityPoint[];
  currency: string;
  labels: { equity: string; drawdown: string; held?: string };
  /** Pixels of the equity; of the drawdown a half. */
  height?: number;
}

/** Equity over time with the drawdown under it; numbers become floating point here alone. */
export function EquityChart({ points, currency, labels, height = 220 }: Props) {
  const { i18n } = useTranslation();
  const id = useId();
  const [equity, drawdown] = useMemo(() => {
    const times = points.map((point) => new Date(point.ts).getTime() / 1000);
    const text = (value: number, places: number) => fmt(String(Math.round(value * 10 ** places) / 10 ** places), { places, locale: i18n.language });
    return [
      {
        label: `${labels.equity} ${currency}`,
        times,
        height,
        sync: id,
        series: [
          { label: `${labels.equity}, ${currency}`, color: "accent", fill: true, values: points.map((point) => Number(point.equity)) },
          ...(labels.held === undefined ? [] : [{ label: labels.held, color: "muted", values: points.map((point) => point.held ?? null) }]),
        ],
        format: (value: number) => text(value, 2),
        axisFormat: (value: number) => fmt(String(value), { locale: i18n.language }),
      },
      {
        label: labels.drawdown,
        times,
        height: Math.round(height * 0.45),
        sync: id,
        series: [
          {
            label: labels.drawdown,
            color: "down",
            fill: true,
            values: points.map((point) => (point.drawdown_pct === null ? null : -Number(point.drawdown_pct))),
          },
        ],
        format: (value: number) => `${text(value, 2)} %`,
        axisFormat: (value: number) => `${fmt(String(value), { locale: i18n.language })} %`,
      },
    ] as const;
  }, [points, currency, labels, height, id, i18n.language]);
  return (
    <div className="flex flex-col gap-2 p-2">
      <TimeSeries {...equity} series={[...equity.series]} />
      <TimeSeries {...drawdown} series={[...drawdown.series]} />
    </div>
  );
}
