import { expect, it } from "vitest";
import { fixOf, mayDecide, sidesOf, type Discrepancy } from "@/features/posttrade/differences";

function discrepancy(change: Partial<Discrepancy>): Discrepancy {
  return {
    id: 1,
    account_id: 1,
    class: "position_differs",
    symbol: "BTC/USDT:USDT",
    status: "open",
    policy: "quarantine",
    evidence: {},
    fix: null,
    first_seen: "2026-11-23T09:00:00Z",
    last_seen: "2026-11-23T09:00:00Z",
    decided_by: null,
    comment: null,
    ...change,
  };
}

it("says both sides of a position and of a balance", () => {
  const evidence = { side: "buy", book_qty: "0.5", exchange_qty: "0" };
  expect(sidesOf(discrepancy({ evidence }))).toEqual({ ours: "buy 0.5", exchange: "buy 0" });
  const balance = { currency: "SOL", book_total: "1", exchange_total: "1.25" };
  expect(sidesOf(discrepancy({ class: "balance_differs", evidence: balance }))).toEqual({
    ours: "1 SOL",
    exchange: "1.25 SOL",
  });
});

it("has no exchange side of a deal that the exchange does not return, and none of an unknown class", () => {
  const evidence = { booked: { side: "sell", qty: "2", price: "10" }, "told": null };
  expect(sidesOf(discrepancy({ class: "deal_extra", evidence }))).toEqual({ ours: "sell 2 @ 10", exchange: null });
  expect(sidesOf(discrepancy({ class: "later_class", evidence: "text" }))).toEqual({ ours: null, exchange: null });
});

it("names the proposed fix, also one that it does not know", () => {
  expect(fixOf(discrepancy({ fix: { action: "correct", side: "sell", qty: "0.5" } }))).toEqual({
    action: "correct",
    word: "correct",
    amount: "sell 0.5",
  });
  expect(fixOf(discrepancy({ fix: { action: "later" } }))).toEqual({ action: null, word: "later", amount: null });
  expect(fixOf(discrepancy({}))).toBeNull();
});

function offered(change: Partial<Discrepancy>): string[] {
  return (["apply", "dismiss"] as const).filter((decision) => mayDecide(discrepancy(change), decision));
}

it("offers decisions that the gateway takes in the state", () => {
  const fix = { action: "cancel" };
  expect(offered({ fix })).toEqual(["apply", "dismiss"]);
  expect(offered({})).toEqual(["dismiss"]);
  expect(offered({ fix, status: "applied" })).toEqual(["dismiss"]);
  expect(offered({ fix, status: "dismissed" })).toEqual(["apply"]);
  expect(offered({ fix, status: "closed" })).toEqual([]);
});
