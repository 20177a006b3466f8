import { expect, it } from "vitest";
import { histogramOf } from "@/charts/histogram";

it("counts results in equal steps, losses and gains apart", () => {
  const bars = histogramOf(["-8", "-7.5", "-0.1", "0", "0.5", "4"]);
  expect(bars).toHaveLength(13);
  expect(bars.filter((bar) => bar.from < 0).reduce((sum, bar) => sum + bar.count, 0)).toBe(3);
  expect(bars.filter((bar) => bar.from >= 0).reduce((sum, bar) => sum + bar.count, 0)).toBe(3);
  expect(bars[0]).toEqual({ from: -8, count: 2 });
  expect(bars.at(-1)).toEqual({ from: 4, count: 1 });
});

it("draws nothing without two different results", () => {
  expect(histogramOf([])).toEqual([]);
  expect(histogramOf(["3", "3.0"])).toEqual([]);
  expect(histogramOf(["0", "0"])).toEqual([]);
});
