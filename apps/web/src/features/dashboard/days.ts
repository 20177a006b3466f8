/** The weeks of a calendar, and the words beside them; days are those of UTC. */

const DAY_MS = 86_400_000;
/** More weeks than this do not fit the panel: the last ones are shown. */
const WEEKS_MAX = 27;
/** A Monday. */
const MONDAY = Date.parse("2024-01-01T00:00:00Z");

function textOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** The weeks from `start` to `end` as days such as `2026-02-25`, each from Monday on; the last one ends with `end`. */
export function weeksOf(start: string, end: string): string[][] {
  const last = Date.parse(`${end}T00:00:00Z`);
  const first = Math.max(Date.parse(`${start}T00:00:00Z`), last - (WEEKS_MAX * 7 - 1) * DAY_MS);
  const monday = first - ((new Date(first).getUTCDay() + 6) % 7) * DAY_MS;
  const weeks: string[][] = [];
  for (let at = monday; at <= last; at += 7 * DAY_MS) {
    weeks.push(Array.from({ length: Math.min(7, (last - at) / DAY_MS + 1) }, (_, day) => textOf(at + day * DAY_MS)));
  }
  return weeks;
}

/** Short names of the weekdays, Monday first. */
export function weekdayLabels(locale: string): string[] {
  const format = new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" });
  return Array.from({ length: 7 }, (_, day) => format.format(MONDAY + day * DAY_MS));
}

/** The name of the month above the first week that shows it; empty above the others. */
export function monthLabel(week: readonly string[], before: readonly string[] | undefined, locale: string): string {
  const month = (week[0] ?? "").slice(0, 7);
  if (before !== undefined && (before[0] ?? "").slice(0, 7) === month) return "";
  const format = new Intl.DateTimeFormat(locale, { month: "short", timeZone: "UTC" });
  return format.format(Date.parse(`${month}-01T00:00:00Z`));
}
