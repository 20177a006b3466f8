/** Times of the gateway (RFC 3339, UTC) as people read them, in the zone that the user chose. */

/** `utc`, `local` (of the browser) or an IANA zone, such as that of an exchange. */
export type Zone = "utc" | "local" | (string & {});

const formats = new Map<string, Intl.DateTimeFormat>();

function iana(zone: Zone): string | undefined {
  if (zone === "utc") return "UTC";
  return zone === "local" ? undefined : zone;
}

function formatter(zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: iana(zone), hourCycle: "h23" });
    formats.set(key, format);
  }
  return format;
}

const DATE: Intl.DateTimeFormatOptions = { year: "numeric", month: "2-digit", day: "2-digit" };
const TIME: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit" };

/** `2026-02-25 20:00:00` in the zone. */
export function fmtTime(iso: string, zone: Zone): string {
  return formatter(zone, { ...DATE, ...TIME }).format(new Date(iso)).replace(",", "");
}

/** `20:00:00` in the zone. */
export function fmtClock(iso: string, zone: Zone): string {
  return formatter(zone, TIME).format(new Date(iso));
}

/** `2026-02-25`: the day in the zone that the time falls on. */
export function dayOf(date: Date, zone: Zone): string {
  return formatter(zone, DATE).format(date);
}

/** Milliseconds by which clocks of the zone are ahead of UTC at that time. */
function offsetAt(at: number, zone: Zone): number {
  const shown = formatter(zone, { ...DATE, ...TIME }).format(new Date(at)).replace(", ", "T");
  return Date.parse(`${shown}Z`) - Math.floor(at / 1000) * 1000;
}

/** The first moment of a day (`2026-02-25`) in the zone; where clocks skip midnight, the one after it. */
export function startOfDay(day: string, zone: Zone): Date {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // The offset of the guess may be that of the other side of a change of clocks: looked at twice.
  const guess = midnight - offsetAt(midnight, zone);
  const start = midnight - offsetAt(guess, zone);
  return new Date(dayOf(new Date(start), zone) < day ? Math.max(start, guess) : start);
}

/** `2026-02-25T20:00` in the zone, as fields for a day with a time take it. */
export function minuteOf(iso: string, zone: Zone): string {
  return fmtTime(iso, zone).replace(" ", "T").slice(0, -3);
}

/** The moment at which clocks of the zone show this minute (`2026-02-25T20:00`). */
export function momentOf(minute: string, zone: Zone): Date {
  const shown = Date.parse(`${minute}Z`);
  const guess = shown - offsetAt(shown, zone);
  // The offset of the guess may be that of the other side of a change of clocks.
  return new Date(shown - offsetAt(guess, zone));
}

/** The day `days` days before `date`, in the zone. */
export function dayBefore(date: Date, days: number, zone: Zone): string {
  return dayOf(new Date(date.getTime() - days * 86_400_000), zone);
}

/** The name of the zone as query parameter `tz` of the gateway takes it. */
export function zoneParameter(zone: Zone): string {
  return iana(zone) ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** A short label of the zone: `UTC`, `GMT-3`. */
export function zoneLabel(zone: Zone, at = new Date()): string {
  if (zone === "utc") return "UTC";
  const parts = new Intl.DateTimeFormat("en", { timeZone: iana(zone), timeZoneName: "short" });
  return parts.formatToParts(at).find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/** A duration in its two largest units: `2d 4h`, `3m 5s`, `12s`. */
export function fmtDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const units: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = units.findIndex(([count]) => count > 0);
  if (first < 0) return "0s";
  const shown = units.slice(first, first + 2).filter(([count], index) => index === 0 || count > 0);
  return shown.map(([count, unit]) => `${count}${unit}`).join(" ");
}

/** The time since `iso`. */
export function fmtAge(iso: string, now = Date.now()): string {
  return fmtDuration(now - new Date(iso).getTime());
}
