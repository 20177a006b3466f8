import { expect, it } from "vitest";
import { plain } from "@/features/trade/markets";
import { resolve } from "@/features/trade/sizing";
import { EMPTY_DRAFT, isComplete, payloadOf, type Ticket } from "@/features/trade/ticket";

const ticket: Ticket = resolve(
  { ...EMPTY_DRAFT, amount: "0.5" },
  { accountId: 1, symbol: "BTC/USDT" },
  { market: undefined, quote: undefined, equity: null },
);

it("sends only what the order type uses", () => {
  expect(payloadOf({ ...ticket, price: "7", trigger: "8", postOnly: true })).toEqual({
    symbol: "BTC/USDT",
    side: "buy",
    order_type: "market",
    qty: "0.5",
  });
  expect(payloadOf({ ...ticket, type: "stop_limit", price: "7", trigger: "8", stopLoss: "6" })).toMatchObject({
    price: "7",
    trigger_price: "8",
    time_in_force: "GTC",
    oms_stop_loss: "6",
  });
});

it("names the position only where one was chosen", () => {
  expect(payloadOf(ticket)).not.toHaveProperty("position_id");
  expect(payloadOf({ ...ticket, positionId: 12 })).toMatchObject({ position_id: 12 });
  expect(payloadOf({ ...ticket, positionId: "new" })).toMatchObject({ new_position: true });
});

it("is complete when the type's fields are there and above 0", () => {
  expect(isComplete(ticket)).toBe(true);
  expect(isComplete({ ...ticket, qty: "0" })).toBe(false);
  expect(isComplete({ ...ticket, type: "limit" })).toBe(false);
  expect(isComplete({ ...ticket, type: "limit", price: "1" })).toBe(true);
  expect(isComplete({ ...ticket, accountId: null })).toBe(false);
});

it("writes steps of an exchange in plain notation", () => {
  expect([1e-5, 1e-8, 0.01, 1, 1e21, 1.5e-7].map(plain)).toEqual([
    "0.00001",
    "0.00000001",
    "0.01",
    "1",
    "1000000000000000000000",
    "0.00000015",
  ]);
  expect(plain(null)).toBeUndefined();
});
