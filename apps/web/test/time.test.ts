import { expect, it } from "vitest";
import { minuteOf, momentOf, startOfDay } from "@/lib/time";

it.each([
  ["2026-02-25", "utc", "2026-02-25T00:00:00.000Z"],
  ["2026-02-25", "Asia/Tokyo", "2026-02-24T15:00:00.000Z"],
  ["2026-02-25", "America/Sao_Paulo", "2026-02-25T03:00:00.000Z"],
  ["2026-02-25", "Asia/Kolkata", "2026-02-24T18:30:00.000Z"],
  // The days on which clocks change begin before the change.
  ["2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00.000Z"],
  ["2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00.000Z"],
  ["2026-03-08", "America/New_York", "2026-03-08T05:00:00.000Z"],
  // Clocks skip midnight: the day begins at one o'clock.
  ["2026-03-29", "Asia/Beirut", "2026-03-28T22:00:00.000Z"],
])("the day %s begins in %s at %s", (day, zone, expected) => {
  expect(startOfDay(day, zone).toISOString()).toBe(expected);
});

it.each([
  ["2026-02-25T20:00", "utc", "2026-02-25T20:00:00.000Z"],
  ["2026-02-25T20:00", "Asia/Kolkata", "2026-02-25T14:30:00.000Z"],
  // The evening before clocks change, and the morning after.
  ["2026-03-28T23:30", "Europe/Berlin", "2026-03-28T22:30:00.000Z"],
  ["2026-03-29T08:00", "Europe/Berlin", "2026-03-29T06:00:00.000Z"],
])("clocks show %s in %s at %s", (minute, zone, expected) => {
  expect(momentOf(minute, zone).toISOString()).toBe(expected);
  expect(minuteOf(expected, zone)).toBe(minute);
});
