import { describe, expect, it } from "vitest";
import { balancesOf, isGood, offsetSeconds, type Connection, type TestResult } from "@/features/accounts/connection";
import { exchangesFor, requestOf, type AccountDraft } from "@/features/accounts/draft";

const DRAFT: AccountDraft = { environment: "paper", exchange: "paper.binance", label: " practice ", positionMode: "netting", preset: null };

describe("a new account", () => {
  it("is complete with an exchange and a name", () => {
    expect(requestOf({ ...DRAFT, exchange: null })).toBeNull();
    expect(requestOf({ ...DRAFT, label: "  " })).toBeNull();
    expect(requestOf(DRAFT)).toEqual({
      exchange_id: "paper.binance",
      label: "practice",
      position_mode: "netting",
      environment: "paper",
      is_testnet: false,
    });
  });

  it("says of a testnet or demo that it is none of real money", () => {
    expect(requestOf({ ...DRAFT, environment: "testnet", preset: "strict" })).toMatchObject({ is_testnet: true, risk_preset: "strict" });
    expect(requestOf({ ...DRAFT, environment: "demo" })).toMatchObject({ is_testnet: true });
    expect(requestOf({ ...DRAFT, environment: "live" })).toMatchObject({ is_testnet: false });
  });

  it("has the exchanges of its environment", () => {
    const all = ["ccxt.bybit", "ccxtpro.bybit", "paper.bybit"];
    expect(exchangesFor("paper", all)).toEqual(["paper.bybit"]);
    expect(exchangesFor("live", all)).toEqual(["ccxt.bybit", "ccxtpro.bybit"]);
  });
});

describe("the test of a connection", () => {
  const connection = { value: { answered: true, trouble: null } as Connection };
  const clock = { value: { time: "2026-01-01T00:00:00.000Z", offsetSeconds: 0 } };
  const good: TestResult = { connection, clock, balance: { value: [] } };

  it("shows balances that are not zero, as they were sent", () => {
    expect(balancesOf({ total: { BTC: 0.5, USDT: "100", ETH: 0, SOL: "0.00", X: null } })).toEqual([
      { currency: "BTC", amount: "0.5" },
      { currency: "USDT", amount: "100" },
    ]);
    expect(balancesOf(null)).toEqual([]);
  });

  it("compares the clocks in whole seconds", () => {
    const gateway = "2026-01-01T00:00:00.000000Z";
    expect(offsetSeconds(Date.parse(gateway) + 900, gateway)).toBe(0);
    expect(offsetSeconds(Date.parse(gateway) - 3500, gateway)).toBe(-3);
  });

  it("is good only if worker, clock and balance are", () => {
    expect(isGood(good)).toBe(true);
    expect(isGood({ ...good, clock: null, balance: null })).toBe(false);
    expect(isGood({ ...good, balance: { error: new Error("refused") } })).toBe(false);
    const problem = { code: "auth_failed", message: "" };
    expect(isGood({ ...good, connection: { value: { ...connection.value, trouble: problem } } })).toBe(false);
  });
});
