import { expect, it } from "vitest";
import { utcDays } from "@/app/period";

it("takes the days of UTC that today has in a zone east of it, and in one west of it", () => {
  // 03:00 on the 25th in Tokyo: the day began at 15:00 UTC on the 24th.
  const early = new Date("2026-11-24T18:00:00Z");
  expect(utcDays({ start: "2026-11-25", tz: "Asia/Tokyo" }, early)).toEqual({ start: "2026-11-24", end: "2026-11-24" });
  const late = new Date("2026-11-25T02:00:00Z");
  expect(utcDays({ start: "2026-11-24", tz: "America/Sao_Paulo" }, late)).toEqual({ start: "2026-11-24", end: "2026-11-25" });
  expect(utcDays({ start: "2026-11-25", tz: "UTC" }, late)).toEqual({ start: "2026-11-25", end: "2026-11-25" });
});
