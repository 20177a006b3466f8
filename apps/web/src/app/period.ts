/** The days of a list of the past: a filter in the URL, counted in the user's zone. */
import { useFilters } from "@/app/search";
import { usePreference } from "@/lib/preferences";
import { dayBefore, dayOf, startOfDay, zoneParameter, type Zone } from "@/lib/time";

export const PERIODS = ["today", "7d", "30d", "90d", "365d"] as const;
export type Period = (typeof PERIODS)[number];

const DAYS: Record<Period, number> = { today: 0, "7d": 6, "30d": 29, "90d": 89, "365d": 364 };

export interface Days {
  name: Period;
  start: string;
  end: string;
  tz: string;
  choose: (period: Period) => void;
}

/** The days of a period up to now, in a zone. */
export function daysOf(name: Period, zone: Zone): Omit<Days, "choose"> {
  const now = new Date();
  return { name, start: dayBefore(now, DAYS[name], zone), end: dayOf(now, zone), tz: zoneParameter(zone) };
}

/** The day of today in the user's zone. */
export function useToday(): Omit<Days, "choose"> {
  return daysOf("today", usePreference("zone"));
}

/** The days of UTC that a period up to now touches: figures by day are counted in UTC, whatever the zone of the period. */
export function utcDays({ start, tz }: Pick<Days, "start" | "tz">, now = new Date()): { start: string; end: string } {
  return { start: dayOf(startOfDay(start, tz), "utc"), end: dayOf(now, "utc") };
}

export function usePeriod(): Days {
  const zone = usePreference("zone");
  const [filters, setFilters] = useFilters("period");
  const name = PERIODS.find((period) => period === filters.period) ?? "7d";
  return { ...daysOf(name, zone), choose: (period) => setFilters({ period }) };
}
