import { expect, it } from "vitest";
import type { Position } from "@/api/types";
import { distancePercent, partnersOf, profitPercent, sizeOf, totalsOf } from "@/features/positions/figures";

function position(fields: Partial<Position>): Position {
  return { symbol: "BTC/USDT", side: "buy", realized_pnl: "0", unrealized_pnl: null, ...fields } as Position;
}

it("gives short positions a size above 0 and a profit with its own sign", () => {
  const short = position({ side: "sell", qty: "-2", cost_basis: "-200", unrealized_pnl: "5" });
  expect(sizeOf(short)).toBe("2");
  expect(profitPercent(short)).toBe("2.5");
  expect(profitPercent({ ...short, unrealized_pnl: "-64.34", cost_basis: "-2934.27" })).toBe("-2.19");
  expect(profitPercent(position({ unrealized_pnl: "80.47", cost_basis: "2095" }))).toBe("3.84");
});

it("gives no percentage before the cost is known", () => {
  expect(profitPercent(position({ unrealized_pnl: "5" }))).toBeNull();
  expect(profitPercent(position({ unrealized_pnl: "5", cost_basis: "0" }))).toBeNull();
});

it("adds profits by currency and counts positions without a price", () => {
  const totals = totalsOf([
    position({ unrealized_pnl: "0.1", realized_pnl: "1" }),
    position({ unrealized_pnl: "0.2" }),
    position({ symbol: "BTC/USD:BTC", unrealized_pnl: "-0.001" }),
    position({}),
  ]);
  expect(totals).toEqual([
    { currency: "BTC", unrealized: "-0.001", realized: "0", unpriced: 0 },
    { currency: "USDT", unrealized: "0.3", realized: "1", unpriced: 1 },
  ]);
});

it("says how far a level is from the price, once the price is known", () => {
  expect(distancePercent(position({ mark_price: "200" }), "190")).toBe("-5");
  expect(distancePercent(position({ mark_price: "200" }), "206.5")).toBe("3.25");
  expect(distancePercent(position({ mark_price: null }), "190")).toBeNull();
  expect(distancePercent(position({ mark_price: "200" }), null)).toBeNull();
});

it("closes by opposite positions and merges those of the same side, of the same symbol and account alone", () => {
  const one = { id: 1, account_id: 7, symbol: "BTC/USDT", side: "buy" } as Position;
  const opposite = { ...one, id: 2, side: "sell" } as Position;
  const same = { ...one, id: 3 };
  const rows = [one, opposite, same, { ...opposite, id: 4, account_id: 8 }, { ...same, id: 5, symbol: "ETH/USDT" }];
  expect(partnersOf(one, rows, true)).toEqual([opposite]);
  expect(partnersOf(one, rows, false)).toEqual([same]);
});
