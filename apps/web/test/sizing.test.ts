import { describe, expect, it } from "vitest";
import { marketOf, type CcxtMarket, type Market } from "@/features/trade/markets";
import { entryPrice, estimateOf, isLevelMissing, levelsOf, qtyOf, resolve, type Basis } from "@/features/trade/sizing";
import { EMPTY_DRAFT, type Draft } from "@/features/trade/ticket";

const LINEAR = "BTC/USDT:USDT";
const INVERSE = "BTC/USD:BTC";
const market: Market = { symbol: LINEAR, qtyStep: "0.001", priceStep: "0.5", minQty: "0.001", minNotional: "5", contractSize: null };
const quote = { bid: "49999", ask: "50000", last: "49999.5" };
const basis: Basis = { market, quote, equity: "10000" };
const draft: Draft = { ...EMPTY_DRAFT, amount: "1" };

function sized(part: Partial<Draft>, symbol = LINEAR, more: Partial<Basis> = {}) {
  return qtyOf({ ...draft, ...part }, symbol, { ...basis, ...more });
}

function at(part: Partial<Draft>) {
  return levelsOf({ ...draft, ...part }, basis);
}

function estimate(part: Partial<Draft>, symbol = LINEAR, size: string | null = null) {
  const typed = { ...draft, ...part };
  return estimateOf(resolve(typed, { accountId: 1, symbol }, basis), entryPrice(typed, quote), size);
}

describe("the quantity", () => {
  it("in base currency is sent as it was typed, also off the step", () => {
    expect(sized({ amount: "0.00123" })).toBe("0.00123");
  });

  it("of a value is cut down to the step at the price of the order", () => {
    expect(sized({ unit: "quote", amount: "1000" })).toBe("0.02");
    expect(sized({ unit: "quote", amount: "1049" })).toBe("0.02");
    expect(sized({ unit: "quote", amount: "1000", side: "sell" })).toBe("0.02"); // 0.0200004 at the bid
    expect(sized({ unit: "quote", amount: "1000", type: "limit", price: "40000" })).toBe("0.025");
    expect(sized({ unit: "quote", amount: "1000", type: "stop_market", trigger: "100000" })).toBe("0.01");
  });

  it("of a value below one step, or without a price, is not known", () => {
    expect(sized({ unit: "quote", amount: "49" })).toBeNull();
    expect(sized({ unit: "quote", amount: "1000", type: "limit" })).toBeNull();
    expect(sized({ unit: "quote", amount: "1000" }, LINEAR, { quote: undefined })).toBeNull();
    expect(sized({ unit: "quote", amount: "1000" }, LINEAR, { market: undefined })).toBeNull();
  });

  it("of a share of equity is that share's value", () => {
    expect(sized({ unit: "equity", amount: "10" })).toBe("0.02");
    expect(sized({ unit: "equity", amount: "10" }, LINEAR, { equity: null })).toBeNull();
    expect(sized({ unit: "equity", amount: "10" }, LINEAR, { equity: "-5" })).toBeNull();
  });

  it("of an inverse contract is a number of contracts", () => {
    const inverse = { market: { ...market, qtyStep: "1", contractSize: "100" } };
    expect(sized({ unit: "quote", amount: "1050" }, INVERSE, inverse)).toBe("10");
    // 10 % of 2 BTC at 50 000 are 10 000 USD.
    expect(sized({ unit: "equity", amount: "10" }, INVERSE, { ...inverse, equity: "2" })).toBe("100");
  });
});

it("judges an order at its limit, its trigger or the other side of the market", () => {
  expect(entryPrice(draft, quote)).toBe("50000");
  expect(entryPrice({ ...draft, side: "sell" }, quote)).toBe("49999");
  expect(entryPrice(draft, { bid: null, ask: null, last: "7" })).toBe("7");
  expect(entryPrice({ ...draft, type: "stop_limit", price: "5", trigger: "6" }, quote)).toBe("5");
  expect(entryPrice({ ...draft, type: "limit" }, quote)).toBeNull();
});

describe("levels", () => {
  it("in percent lie on their side of the entry, on the tick", () => {
    expect(at({ levelUnit: "percent", stop: "1", target: "2.001" })).toEqual({ stopLoss: "49500", takeProfit: "51000.5" });
    expect(at({ levelUnit: "percent", side: "sell", stop: "1", target: "2" })).toEqual({ stopLoss: "50498.5", takeProfit: "48999" });
  });

  it("as multiples of the risk count from the stop", () => {
    expect(at({ levelUnit: "risk", stop: "49000", target: "2.5" })).toEqual({ stopLoss: "49000", takeProfit: "52500" });
    expect(at({ levelUnit: "risk", target: "2" })).toEqual({ stopLoss: null, takeProfit: null });
  });

  it("that give no price keep the order from being sent", () => {
    const missing: Draft = { ...draft, levelUnit: "risk", target: "2" };
    expect(isLevelMissing(missing, resolve(missing, { accountId: 1, symbol: LINEAR }, basis))).toBe(true);
    expect(isLevelMissing(draft, resolve(draft, { accountId: 1, symbol: LINEAR }, basis))).toBe(false);
  });
});

describe("the estimate", () => {
  it("is the result at stop and target, and their ratio", () => {
    expect(estimate({ amount: "0.1", stop: "49000", target: "52500" })).toEqual({ stop: "-100", target: "250", multiple: "2.5" });
    expect(estimate({ amount: "0.1", side: "sell", stop: "50999", target: "48999" })).toEqual({ stop: "-100", target: "100", multiple: "1" });
  });

  it("has no ratio to a stop that loses nothing", () => {
    expect(estimate({ stop: "50500", target: "51000" }).multiple).toBeNull();
  });

  it("of inverse contracts is in base currency", () => {
    expect(estimate({ amount: "100", target: "62500" }, INVERSE, "100").target).toBe("0.04");
    expect(estimate({ amount: "100", target: "62500" }, INVERSE).target).toBeNull();
  });
});

it("counts steps of contracts in base currency, as the gateway does", () => {
  const contract: CcxtMarket = {
    symbol: LINEAR,
    type: "swap",
    active: true,
    contract: true,
    inverse: false,
    contractSize: 0.01,
    precision: { amount: 1, price: 0.1 },
    limits: { amount: { min: 1 }, cost: { min: null } },
  };
  expect(marketOf(contract)).toMatchObject({ qtyStep: "0.01", minQty: "0.01", contractSize: null });
  expect(marketOf({ ...contract, inverse: true, contractSize: 100 })).toMatchObject({ qtyStep: "1", contractSize: "100" });
  expect(marketOf({ ...contract, contract: false })).toMatchObject({ qtyStep: "1" });
});
