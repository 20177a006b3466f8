import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { TimeSeries } from "@/charts/TimeSeries";
import { fmt } from "@/lib/decimal";

interface Props {
  points: readonly { ts: string; change_pct: string; drawdown_pct: string | null }[];
  labels: { change: string; drawdown: string };
}

/** The change of equity in percent, with the drawdown under it; numbers become floating point here alone. */
export function ChangeChart({ points, labels }: Props) {
  const { i18n } = useTranslation();
  const [change, drawdown] = useMemo(() => {
    const times = points.map((point) => new Date(point.ts).getTime() / 1000);
    const format = (value: number) => `${fmt(String(Math.round(value * 100) / 100), { places: 2, locale: i18n.language })} %`;
    const chart = (label: string, color: string, height: number, values: (number | null)[]) => ({
      label,
      times,
      height,
      series: [{ label, color, fill: true, values }],
      format,
    });
    return [
      chart(labels.change, "accent", 260, points.map((point) => Number(point.change_pct))),
      chart(labels.drawdown, "down", 100, points.map((point) => (point.drawdown_pct === null ? null : -Number(point.drawdown_pct)))),
    ] as const;
  }, [points, labels, i18n.language]);
  return (
    <div className="flex flex-col gap-2 p-2">
      <TimeSeries {...change} />
      <TimeSeries {...drawdown} />
    </div>
  );
}
