import { describe, expect, it } from "vitest";
import type { Usage } from "@/features/risk/reads";
import { mostUsed } from "@/features/risk/accountFigures";
import { usedPercent } from "@/features/risk/usedPercent";

function usage(values: Partial<Usage>): Usage {
  return values as Usage;
}

describe("usedPercent", () => {
  it("compares the amount with its limit", () => {
    expect(usedPercent(usage({ limit: "200", current: "50" }))).toBe("25");
    expect(usedPercent(usage({ limit: "3", current: "4" }))).toBe("133.3");
    expect(usedPercent(usage({ limit: "100", current: "-5" }))).toBe("0");
  });

  it("is unknown for flags, lists, zones and unknown amounts", () => {
    expect(usedPercent(usage({ limit: true, current: null }))).toBeNull();
    expect(usedPercent(usage({ limit: ["BTC/USDT"], current: null }))).toBeNull();
    expect(usedPercent(usage({ limit: "UTC", current: null }))).toBeNull();
    expect(usedPercent(usage({ limit: "0", current: "1" }))).toBeNull();
  });
});

it("finds the limit of which the largest part is used", () => {
  const orders = usage({ key: "max_orders_per_minute", limit: "10", current: "9" });
  const loss = usage({ key: "losses_in_a_row", limit: "200", current: "50" });
  const words = usage({ key: "allowed_symbols", limit: ["BTC/USDT"], current: null });
  expect(mostUsed([loss, words, orders])).toEqual({ key: "max_orders_per_minute", percent: "90" });
  expect(mostUsed([words])).toBeNull();
});
