/** What the chart shows: all of it in the URL, so that a link or a reload gives the same page. */
import { useFilters } from "@/app/search";
import { readIndicators, type Indicator } from "@/features/chart/indicators";

export const TIMEFRAMES = ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "1M"] as const;
export type Timeframe = (typeof TIMEFRAMES)[number];

export const OVERLAYS = ["volume", "signals", "orders", "deals", "positions", "levels"] as const;
export type Overlay = (typeof OVERLAYS)[number];
const SHOWN: readonly Overlay[] = ["volume", "deals", "positions", "levels"];

export const DIRECTIONS = ["long", "short", "long_exit", "short_exit"] as const;
export type Direction = (typeof DIRECTIONS)[number];

export const LIMIT = { min: 100, max: 2000, step: 50, normal: 500 } as const;

const NAMES = ["exchange", "symbol", "tf", "limit", "start", "end", "ind", "show", "strategy", "variant", "dir", "source", "cursor", "run", "view"] as const;
export const CHART_FILTERS: readonly string[] = NAMES;

export interface ChartSettings {
  exchange: string | null;
  symbol: string | null;
  timeframe: Timeframe;
  limit: number;
  /** Days in UTC, such as `2026-02-25`; both are part of the range. */
  start: string;
  end: string;
  indicators: readonly Indicator[];
  overlays: ReadonlySet<Overlay>;
  strategy: string | null;
  variant: number;
  /** Which decisions of the strategy are marked. */
  directions: ReadonlySet<Direction>;
  /** Which orders and deals are marked, by where they came from; null: all. */
  source: string | null;
  /** The instant that is played back; null: the present. */
  cursor: string | null;
  /** The backtest whose trades are listed. */
  run: number | null;
  table: boolean;
}

type Raw = Partial<Record<(typeof NAMES)[number], string>>;

function listOf<Name extends string>(text: string | undefined, known: readonly Name[], otherwise: readonly Name[]): Set<Name> {
  if (text === undefined) return new Set(otherwise);
  return new Set(text.split(",").filter((name): name is Name => (known as readonly string[]).includes(name)));
}

/** The number of candles: a multiple of the step within the bounds. */
export function limitOf(text: string | undefined): number {
  const count = /^\d{1,6}$/.test(text ?? "") ? Number(text) : LIMIT.normal;
  const bounded = Math.min(Math.max(count, LIMIT.min), LIMIT.max);
  return Math.round(bounded / LIMIT.step) * LIMIT.step;
}

function dayOf(text: string | undefined): string {
  return text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : "";
}

/** Settings from the parameters of the URL; what is not understood counts as not given. */
export function readSettings(raw: Raw): ChartSettings {
  const cursor = raw.cursor === undefined ? Number.NaN : Date.parse(raw.cursor);
  return {
    exchange: raw.exchange ?? null,
    symbol: raw.symbol ?? null,
    timeframe: TIMEFRAMES.find((name) => name === raw.tf) ?? "1h",
    limit: limitOf(raw.limit),
    start: dayOf(raw.start),
    end: dayOf(raw.end),
    indicators: readIndicators(raw.ind),
    overlays: listOf(raw.show, OVERLAYS, SHOWN),
    strategy: raw.strategy ?? null,
    variant: /^\d$/.test(raw.variant ?? "") ? Number(raw.variant) : 1,
    directions: listOf(raw.dir, DIRECTIONS, DIRECTIONS),
    source: raw.source ?? null,
    cursor: Number.isNaN(cursor) ? null : new Date(cursor).toISOString(),
    run: /^\d{1,15}$/.test(raw.run ?? "") ? Number(raw.run) : null,
    table: raw.view === "table",
  };
}

/** A list for the URL; undefined: it is the usual one. */
function listText<Name extends string>(chosen: ReadonlySet<Name>, known: readonly Name[], usual: readonly Name[]): string | undefined {
  const names = known.filter((name) => chosen.has(name));
  if (names.length === usual.length && usual.every((name) => chosen.has(name))) return undefined;
  return names.length === 0 ? "none" : names.join(",");
}

export function overlaysText(chosen: ReadonlySet<Overlay>): string | undefined {
  return listText(chosen, OVERLAYS, SHOWN);
}

export function directionsText(chosen: ReadonlySet<Direction>): string | undefined {
  return listText(chosen, DIRECTIONS, DIRECTIONS);
}

export type ChangeSettings = (change: Partial<Record<(typeof NAMES)[number], string | undefined>>) => void;

export function useChartSettings(): [ChartSettings, ChangeSettings] {
  const [raw, change] = useFilters(...NAMES);
  return [readSettings(raw), change];
}
