import { describe, expect, it } from "vitest";
import { differencesOf, fieldOf, matches, versionBefore, type RawRow } from "@/features/posttrade/rawRows";
import { parseExactly } from "@/lib/exactJson";

const ROW: RawRow = {
  id: 3,
  account_id: 1,
  exchange_id: "binance",
  exchange_order_id: "900",
  client_order_id: "c-1",
  symbol: "BTC/USDT",
  observed_at: "2026-01-01T00:00:00Z",
  raw_json: { status: "open", amount: 0.5, price: null, info: { orderId: 900 } },
};

describe("raw rows", () => {
  it("show fields as the exchange's", () => {
    expect(fieldOf(ROW, "status")).toBe("open");
    expect(fieldOf(ROW, "amount")).toBe("0.5");
    expect(fieldOf(ROW, "price")).toBeNull();
    expect(fieldOf({ ...ROW, raw_json: null }, "price")).toBeNull();
  });

  it("are found by part of an id, symbol or status", () => {
    expect(matches(ROW, "C-1")).toBe(true);
    expect(matches(ROW, "btc")).toBe(true);
    expect(matches(ROW, "closed")).toBe(false);
  });

  it("have as version before the latest older row of the same order and account", () => {
    const older = [1, 2].map((id) => ({ ...ROW, id }));
    const others = [{ ...ROW, id: 2, account_id: 9 }, { ...ROW, id: 4 }];
    expect(versionBefore([...others, ...older], ROW)?.id).toBe(2);
    expect(versionBefore(others, ROW)).toBeNull();
    expect(versionBefore(older, { ...ROW, exchange_order_id: null })).toBeNull();
  });

  it("differ by the paths of their fields", () => {
    const after = { status: "closed", amount: 0.5, price: null, info: {}, fee: { cost: 1 } };
    expect(differencesOf(ROW.raw_json, after)).toEqual([
      { path: "fee.cost", before: null, after: "1" },
      { path: "info", before: null, after: "{}" },
      { path: "info.orderId", before: "900", after: null },
      { path: "status", before: "open", after: "closed" },
    ]);
  });

  it("keep whole numbers that floating point cannot hold", () => {
    const text = String.raw`{"orderId":8389765512345678901,"text":"\"1234567890123456789","qty":0.25,"count":12}`;
    expect(parseExactly(text)).toEqual({
      orderId: "8389765512345678901",
      text: '"1234567890123456789',
      qty: 0.25,
      count: 12,
    });
  });
});
