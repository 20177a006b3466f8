import { expect, it } from "vitest";
import { sparkPoints } from "@/charts/Sparkline";
import { monthLabel, weekdayLabels, weeksOf } from "@/features/dashboard/days";
import { exposureOf } from "@/features/dashboard/exposure";
import type { Portfolio } from "@/features/dashboard/reads";

it("has weeks from Monday on, with their weekdays and months in the language of the page", () => {
  const weeks = weeksOf("2026-02-25", "2026-03-03");
  expect(weeks.map((week) => [week[0], week.at(-1), week.length])).toEqual([
    ["2026-02-23", "2026-03-01", 7],
    ["2026-03-02", "2026-03-03", 2],
  ]);
  expect(weekdayLabels("en")).toEqual(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);
  expect(weekdayLabels("es")[0]).toBe("lun");
  expect(weeks.map((week, index) => monthLabel(week, weeks[index - 1], "en"))).toEqual(["Feb", "Mar"]);
  expect(monthLabel(["2026-03-09"], ["2026-03-02"], "en")).toBe("");
});

it("shows no more weeks than fit", () => {
  expect(weeksOf("2020-01-01", "2026-03-01")).toHaveLength(27);
});

function portfolio(...positions: { symbol: string; market_value: string | null }[]): Portfolio {
  return { items: [{ positions }] } as unknown as Portfolio;
}

it("adds long and short positions, and never what has no price or another currency", () => {
  const long = { symbol: "BTC/USDT", market_value: "100.5" };
  const short = { symbol: "ETH/USDT:USDT", market_value: "-40" };
  expect(exposureOf(portfolio(long, short))).toEqual({ currency: "USDT", gross: "140.5", net: "60.5" });
  expect(exposureOf(portfolio(long, { ...short, market_value: null }))).toBeNull();
  expect(exposureOf(portfolio(long, { ...short, symbol: "BTC/USD:BTC" }))).toBeNull();
  expect(exposureOf(portfolio())).toBeNull();
});

it("draws a line from zero over the whole area, with zero where it lies", () => {
  expect(sparkPoints(["1", "-1"])).toEqual({ line: "0.0,8.0 32.0,1.0 64.0,15.0", zero: 8 });
  expect(sparkPoints(["0", "0"]).line).toBe("0.0,15.0 32.0,15.0 64.0,15.0");
});
