import { expect, it } from "vitest";
import { matches, rowsOf, type CcxtMarket } from "@/features/symbols/markets";

const swap: CcxtMarket = {
  symbol: "BTC/USDT:USDT",
  base: "BTC",
  quote: "USDT",
  settle: "USDT",
  type: "swap",
  active: true,
  contractSize: 1,
  inverse: false,
  expiryDatetime: null,
  taker: 0.00055,
  maker: 0.0002,
  precision: { amount: 1e-8, price: 0.1 },
  limits: { amount: { min: 0.001, max: null }, cost: { min: 5 }, leverage: { max: 125 } },
};

it("writes the rules of a market as decimals, fees in percent", () => {
  expect(rowsOf([swap])).toMatchObject([
    {
      id: 1,
      qtyStep: "0.00000001",
      priceStep: "0.1",
      minQty: "0.001",
      maxQty: null,
      minNotional: "5",
      maxLeverage: "125",
      taker: "0.055",
      maker: "0.02",
    },
  ]);
});

it("lists symbols in order, and those with few rules too", () => {
  const bare: CcxtMarket = {
    ...swap,
    symbol: "ADA/USDT",
    active: null,
    taker: null,
    precision: { amount: null, price: null },
    limits: {},
  };
  expect(rowsOf([swap, bare])).toMatchObject([
    { id: 1, symbol: "ADA/USDT", active: null, taker: null, qtyStep: null, maxLeverage: null },
    { id: 2, symbol: "BTC/USDT:USDT" },
  ]);
});

it.each([
  ["btcusdt", true],
  ["BTC/USDT", true],
  ["usdt btc", true],
  ["", true],
  ["btceur", false],
  ["btc eth", false],
])("finds BTC/USDT:USDT by %s: %s", (search, found) => {
  expect(matches("BTC/USDT:USDT", search)).toBe(found);
});
