import { useTranslation } from "react-i18next";
import type { Scene } from "@/charts/candles/scene";
import { NOTHING, useFormats } from "@/lib/format";

/** The digits of a price that a line is shown with. */
function shown(value: number | null | undefined, tick: string): string | null {
  if (value === null || value === undefined) return null;
  const places = (tick.split(".")[1]?.length ?? 0) + 2;
  return String(Math.round(value * 10 ** places) / 10 ** places);
}

/** Prices of a candle, and the lines at it. */
export function Legend({ scene, index }: { scene: Scene; index: number }) {
  const { t } = useTranslation("chart");
  const { number } = useFormats();
  const candle = scene.candles[index];
  if (candle === undefined) return null;
  return (
    <div data-legend className="num pointer-events-none absolute start-2 top-1 z-10 flex max-w-[80%] flex-wrap gap-x-3 text-xs">
      {(["open", "high", "low", "close"] as const).map((name) => (
        <span key={name}>
          <span className="text-muted">{t(`short.${name}`)}</span> {number(candle[name])}
        </span>
      ))}
      <span>
        <span className="text-muted">{t("short.volume")}</span> {number(candle.volume, { places: 2 })}
      </span>
      {scene.lines
        .filter((line) => line.kind === "line")
        .map((line) => (
          <span key={line.id} style={{ color: `var(--${line.colour})` }}>
            {line.label} {shown(line.values[index], scene.tick) ?? NOTHING}
          </span>
        ))}
    </div>
  );
}
