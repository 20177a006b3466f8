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

it("sends the end of an order that is good till a date, and asks for it", () => {
  const dated: Ticket = { ...ticket, type: "limit", price: "7", timeInForce: "GTD" };
  expect(isComplete(dated)).toBe(false);
  const complete = { ...dated, expiresAt: "2099-01-01T00:00:00.000Z" };
  expect(isComplete(complete)).toBe(true);
  expect(payloadOf(complete)).toMatchObject({ time_in_force: "GTD", expires_at: "2099-01-01T00:00:00.000Z" });
  expect(payloadOf({ ...complete, timeInForce: "GTC" })).not.toHaveProperty("expires_at");
  expect(payloadOf({ ...complete, type: "market" })).not.toHaveProperty("expires_at");
});

it("passes parameters of the exchange on as they were typed, and nothing that is no object", () => {
  expect(payloadOf({ ...ticket, params: '{"a": {"b": 12345678901234567890}, "c": 0.1}' })).toMatchObject({
    params: { a: { b: "12345678901234567890" }, c: 0.1 },
  });
  expect(payloadOf(ticket)).not.toHaveProperty("params");
  expect(payloadOf({ ...ticket, params: " {} " })).not.toHaveProperty("params");
  for (const text of ["[1]", "1", "null", "{a: 1}", "{"]) expect(isComplete({ ...ticket, params: text })).toBe(false);
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
