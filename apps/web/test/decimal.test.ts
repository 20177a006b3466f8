import { describe, expect, it } from "vitest";
import { add, cmp, div, floorToStep, fmt, mul, neg, readInput, sign, sub, sum, shorten } from "@/lib/decimal";

describe("arithmetic is exact", () => {
  it("adds what binary floating point cannot", () => {
    expect(add("0.1", "0.2")).toBe("0.3");
    expect(sub("1", "0.999999999999999999")).toBe("0.000000000000000001");
    expect(mul("123456789.123456789", "1000000.000000001")).toBe("123456789123456.912456789123456789");
    expect(sum(["1.5", "-0.5", "-1"])).toBe("0");
    expect(neg("0")).toBe("0");
  });

  it("divides cut towards zero", () => {
    expect(div("1", "3", 4)).toBe("0.3333");
    expect(div("-2", "3", 2)).toBe("-0.66");
    expect(div("1", "0", 2)).toBeNull();
  });

  it("compares by value, not by text", () => {
    expect(["10", "9.5", "-1", "0.10", "0.1000001"].toSorted(cmp)).toEqual(["-1", "0.10", "0.1000001", "9.5", "10"]);
    expect(cmp("1.50", "1.5")).toBe(0);
    expect(sign("-0.00")).toBe(0);
  });

  it("finds the multiple of a step below", () => {
    expect(floorToStep("1.2345", "0.01")).toBe("1.23");
    expect(floorToStep("5", "0.5")).toBe("5");
  });

  it("refuses text that is no decimal", () => {
    expect(() => add("1e5", "1")).toThrow(RangeError);
    expect(() => cmp("", "1")).toThrow(RangeError);
  });
});

describe("shorten", () => {
  it.each([
    ["62257.870000", "62257.87"],
    ["3011.123456789", "3011.1234"],
    ["0.00001234567891", "0.000012345678"],
    ["-0.00001234567899", "-0.000012345678"],
    ["1234567890.5", "1234567890"],
    ["0.5", "0.5"],
    ["-1234567890.5", "-1234567890"],
    ["0", "0"],
  ])("cuts %s to %s", (value, expected) => {
    expect(shorten(value)).toBe(expected);
  });
});

describe("display", () => {
  it("groups, cuts and signs without rounding", () => {
    expect(fmt("1234567.891", { places: 2 })).toBe("1,234,567.89");
    expect(fmt("-1234.5", { places: 2 })).toBe("\u22121,234.50");
    expect(fmt("12", { plus: true })).toBe("+12");
    expect(fmt("-0.00", { plus: true })).toBe("0.00");
    expect(fmt("1234.5", { locale: "pt-BR" })).toBe("1.234,5");
    expect(fmt("-0.00037", { places: 2 })).toBe("\u22120.0003");
  });

  it("reads what a person types in either notation", () => {
    expect(readInput("1 234.50")).toBe("1234.5");
    expect(readInput("1,234.5")).toBe("1234.5");
    expect(readInput("0,5", "pt-BR")).toBe("0.5");
    expect(readInput("1.234,5", "pt-BR")).toBe("1234.5");
    expect(readInput(".5")).toBe("0.5");
    expect(readInput("0.125", "pt-BR")).toBe("0.125");
    expect(readInput("1234.5", "es")).toBe("1234.5");
    expect(readInput("1.2.3")).toBeNull();
    expect(readInput("twelve")).toBeNull();
  });

  it("guesses no number that could be thousands or a fraction", () => {
    expect(readInput("60.000", "pt-BR")).toBeNull();
    expect(readInput("60,000")).toBeNull();
    expect(readInput("60.000")).toBe("60");
  });
});
