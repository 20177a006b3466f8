import { describe, expect, it } from "vitest";
import { changedValues, GROUPS, isReadable, keysOf, LIMIT_KEYS, refusedKey, type Limit } from "@/features/risk/limitKeys";

const LIMITS = [
  { key: "max_open_positions", value: "5" },
  { key: "allow_new_positions", value: false },
  { key: "allowed_symbols", value: ["BTC/USDT", "ETH/USDT"] },
] as Limit[];

describe("limits", () => {
  it("are each in one group", () => {
    expect(GROUPS.flatMap(keysOf).toSorted()).toEqual(Object.keys(LIMIT_KEYS).toSorted());
  });

  it("are sent where they differ from what is set", () => {
    const draft = {
      max_open_positions: " 5 ",
      max_order_notional: "1,5",
      allow_new_positions: "",
      allowed_symbols: "BTC/USDT, SOL/USDT ,",
      risk_day_zone: "",
    };
    expect(changedValues(draft, LIMITS, "es")).toEqual({
      max_order_notional: "1.5",
      allow_new_positions: null,
      allowed_symbols: ["BTC/USDT", "SOL/USDT"],
    });
  });

  it("are removed by an empty text, not by one that is no number", () => {
    expect(changedValues({ max_open_positions: "" }, LIMITS, "en")).toEqual({ max_open_positions: null });
    expect(isReadable("max_open_positions", "abc", "en")).toBe(false);
    expect(changedValues({ max_open_positions: "abc" }, LIMITS, "en")).toEqual({});
    expect(isReadable("max_open_positions", "", "en")).toBe(true);
    expect(isReadable("risk_day_zone", "Europe/Berlin", "en")).toBe(true);
  });

  it("are named by the gateway's refusals", () => {
    expect(refusedKey("max_open_positions: a whole number is expected")).toBe("max_open_positions");
    expect(refusedKey("daily_loss_limit is measured over accounts")).toBe("daily_loss_limit");
    expect(refusedKey("no such thing")).toBeNull();
  });
});
