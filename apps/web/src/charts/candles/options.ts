/** Options of the candle chart from the page's colours, zone and language. */
import { ColorType, CrosshairMode, TickMarkType, type ChartOptions, type DeepPartial, type Time } from "lightweight-charts";
import type { Decimal } from "@/lib/decimal";
import { fmtTime, type Zone } from "@/lib/time";

const colours = new Map<string, string>();

/** The value of a colour token in the theme and palette of now. */
export function colourOf(name: string): string {
  const found = colours.get(name);
  if (found !== undefined) return found;
  const value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  colours.set(name, value);
  return value;
}

/** Read the colour tokens again: theme or palette changed. */
export function forgetColours(): void {
  colours.clear();
}

/** The colour token, half transparent. */
export function withOpacity(name: string): string {
  return `${colourOf(name)}80`;
}

function isoOf(time: Time): string {
  return new Date((typeof time === "number" ? time : 0) * 1000).toISOString();
}

/** A label of the time axis: year, month, day or clock. */
function tick(time: Time, kind: TickMarkType, zone: Zone): string {
  const [day = "", clock = ""] = fmtTime(isoOf(time), zone).split(" ");
  if (kind === TickMarkType.Year) return day.slice(0, 4);
  if (kind === TickMarkType.Month) return day.slice(0, 7);
  if (kind === TickMarkType.DayOfMonth) return day.slice(5);
  return clock.slice(0, 5);
}

export function chartOptions(zone: Zone, locale: string): DeepPartial<ChartOptions> {
  const line = colourOf("line");
  return {
    autoSize: true,
    layout: {
      background: { type: ColorType.Solid, color: colourOf("panel") },
      textColor: colourOf("muted"),
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 11,
      // The logo is markup that the page's policy refuses; the page names the library in its footer.
      attributionLogo: false,
      panes: { separatorColor: line, separatorHoverColor: colourOf("raise") },
    },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    rightPriceScale: { borderColor: line },
    crosshair: { mode: CrosshairMode.Normal },
    timeScale: {
      borderColor: line,
      timeVisible: true,
      minBarSpacing: 0.05,
      enableConflation: true,
      shiftVisibleRangeOnNewBar: false,
      tickMarkFormatter: (time: Time, kind: TickMarkType) => tick(time, kind, zone),
    },
    localization: { locale, timeFormatter: (time: Time) => fmtTime(isoOf(time), zone).slice(0, 16) },
  };
}

export function priceFormat(step: Decimal) {
  const precision = step.split(".")[1]?.length ?? 0;
  return { type: "price" as const, precision: Math.min(precision, 8), minMove: Number(step) };
}
