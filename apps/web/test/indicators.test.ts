/** The chart's indicators against those of the strategies, which `indicators.json` has from the gateway. */
import { describe, expect, it } from "vitest";
import { atr, ema, hma, macd, rsi, sma, wma, type Values } from "@/charts/indicators";
import fixture from "./indicators.json";

const bars = fixture.candles.map(({ high, low, close }) => ({ high: Number(high), low: Number(low), close: Number(close) }));
const closes = bars.map((bar) => bar.close);
const found = macd(closes, 12, 26, 9);

function expectSame(values: Values, expected: readonly (string | null)[]): void {
  expect(values.map((value) => value === null)).toEqual(expected.map((text) => text === null));
  for (const [index, text] of expected.entries()) {
    if (text !== null) expect(values[index], String(index)).toBeCloseTo(Number(text), 8);
  }
}

describe("an indicator of the chart is that of the strategies", () => {
  it.each([
    ["sma", sma(closes, 10)],
    ["wma", wma(closes, 10)],
    ["hma", hma(closes, 16)],
    ["ema", ema(closes, 10)],
    ["rsi", rsi(closes, 14)],
    ["atr", atr(bars, 14)],
  ] as const)("%s", (name, values) => expectSame(values, fixture.indicators[name]));

  it.each([
    ["line", found.line, 0],
    ["signal", found.signal, 1],
    ["histogram", found.histogram, 2],
  ] as const)("macd: %s", (_name, values, column) =>
    expectSame(values, fixture.indicators.macd.map((row) => row[column] ?? null)));
});

it.each([
  ["sma", (values: number[]) => sma(values, 7)],
  ["wma", (values: number[]) => wma(values, 7)],
  ["hma", (values: number[]) => hma(values, 9)],
  ["ema", (values: number[]) => ema(values, 7)],
])("%s of a constant is exactly that constant", (_name, of) => {
  const values = of(Array.from({ length: 30 }, () => 0.1));
  expect(values.filter((value) => value !== null && value !== 0.1)).toEqual([]);
});

it("has the same values for the beginning of a series as for all of it", () => {
  const half = closes.slice(0, 60);
  for (const of of [(v: number[]) => hma(v, 9), (v: number[]) => rsi(v, 14), (v: number[]) => macd(v, 12, 26, 9).signal]) {
    expect(of(closes).slice(0, 60)).toEqual(of(half));
  }
});
