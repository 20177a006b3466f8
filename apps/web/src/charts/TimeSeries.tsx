import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import uPlot from "uplot";
import { usePreference } from "@/lib/preferences";
import { fmtTime, type Zone } from "@/lib/time";

export interface Series {
  label: string;
  /** A colour token: `accent`, `up`, `down`, `muted`, `warn`. */
  color: string;
  values: (number | null)[];
  fill?: boolean;
  /** A value holds until the next one. */
  stepped?: boolean;
}

export interface TimeSeriesProps {
  /** Says what the chart shows, for those who do not see it. */
  label: string;
  /** Epoch seconds, ascending. */
  times: number[];
  series: Series[];
  height: number;
  format?: (value: number) => string;
  /** Values of the axis; absent: as `format` writes them. */
  axisFormat?: (value: number) => string;
  /** Charts with the same name share their crosshair. */
  sync?: string;
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const DAY_SECONDS = 86_400;

function isoOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

/** Days or hours in the user's zone; midnight is written as its day. */
function tick(seconds: number, step: number, zone: Zone): string {
  const [day = "", clock = ""] = fmtTime(isoOf(seconds), zone).split(" ");
  return step >= DAY_SECONDS || clock.startsWith("00:00") ? day.slice(5) : clock.slice(0, 5);
}

/** The value at the pointer; the last one while nothing is pointed at. */
function shown(values: readonly (number | null)[], value: number | null, index: number | null | undefined): number | null {
  return index === null || index === undefined ? (values.findLast((one) => one !== null) ?? null) : value;
}

function options(props: TimeSeriesProps, width: number, zone: Zone, time: string, legend: HTMLElement): uPlot.Options {
  const axis = { stroke: token("muted"), grid: { stroke: token("line"), width: 1 }, ticks: { show: false } };
  const { format, axisFormat = format } = props;
  return {
    width,
    height: props.height,
    legend: { show: true, live: true, mount: (_plot, table) => legend.replaceChildren(table) },
    cursor: { points: { size: 6 }, ...(props.sync === undefined ? {} : { sync: { key: props.sync, scales: ["x", null] as [string, null] } }) },
    axes: [
      { ...axis, size: 28, values: (_plot, ticks, _axis, _space, step) => ticks.map((at) => tick(at, step, zone)) },
      { ...axis, size: 70, space: 24, ...(axisFormat === undefined ? {} : { values: (_plot, ticks) => ticks.map(axisFormat) }) },
    ],
    series: [
      {
        label: time,
        value: (_plot: uPlot, at: number | null, _series: number, index?: number | null) => {
          const moment = shown(props.times, at, index);
          return moment === null ? "" : fmtTime(isoOf(moment), zone);
        },
      },
      ...props.series.map((line) => ({
        label: line.label,
        stroke: token(line.color),
        width: 1.5,
        points: { show: false },
        ...(line.stepped === true && uPlot.paths.stepped !== undefined ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
        ...(line.fill === true ? { fill: `color-mix(in srgb, ${token(line.color)} 18%, transparent)` } : {}),
        ...(format === undefined
          ? {}
          : {
              value: (_plot: uPlot, value: number | null, _series: number, index?: number | null) => {
                const known = shown(line.values, value, index);
                return known === null ? "" : format(known);
              },
            }),
      })),
    ],
  };
}

/** Lines over time: equity, drawdown, operating figures. Redrawn when theme or size change. */
export function TimeSeries(props: TimeSeriesProps) {
  const { t } = useTranslation();
  const zone = usePreference("zone");
  const time = t("column.time");
  const box = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    const legend = head.current;
    if (element === null || legend === null) return undefined;
    let plot: uPlot | null = null;
    const data = [props.times, ...props.series.map((line) => line.values)] as uPlot.AlignedData;
    const draw = () => {
      plot?.destroy();
      plot = new uPlot(options(props, element.clientWidth, zone, time, legend), data, element);
    };
    draw();
    const size = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: props.height }));
    size.observe(element);
    const theme = new MutationObserver(draw);
    theme.observe(document.documentElement, { attributeFilter: ["data-theme", "data-palette"] });
    return () => {
      size.disconnect();
      theme.disconnect();
      plot?.destroy();
    };
  }, [props, zone, time]);
  return (
    <div className="min-w-0 overflow-hidden">
      <div ref={head} className="chart-legend" />
      <div ref={box} role="img" aria-label={props.label} className="min-w-0 overflow-hidden" />
    </div>
  );
}
