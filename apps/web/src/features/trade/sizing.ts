/**
 * What was typed in units that people think in (value, share of equity, multiples of the risk) as
 * the quantities and prices that are sent. The gateway's preview has the last word on all of it.
 */
import type { Side } from "@/api/types";
import type { Market, Quote } from "@/features/trade/markets";
import { needsPrice, needsTrigger, type Draft, type Ticket } from "@/features/trade/ticket";
import { abs, add, div, floorToStep, mul, neg, sign, sub, type Decimal } from "@/lib/decimal";
import { isInverse } from "@/lib/symbol";

/** Digits of a quotient before it is cut to a step. */
const PLACES = 18;

/** What the conversion needs besides the draft; what is not known is undefined or null. */
export interface Basis {
  market: Market | undefined;
  quote: Quote | undefined;
  /** Equity of the account in the currency that profit of the symbol is counted in. */
  equity: Decimal | null;
}

function positive(value: Decimal | "" | null | undefined): Decimal | null {
  return value !== "" && value !== null && value !== undefined && sign(value) > 0 ? value : null;
}

/** The price that the order is judged at: its limit, its trigger, or the other side of the market. */
export function entryPrice(draft: Draft, quote: Quote | undefined): Decimal | null {
  if (needsPrice(draft.type)) return positive(draft.price);
  if (needsTrigger(draft.type)) return positive(draft.trigger);
  const { bid = null, ask = null, last = null } = quote ?? {};
  return positive(draft.side === "buy" ? ask : bid) ?? positive(last);
}

function cutTo(value: Decimal | null, step: Decimal | undefined): Decimal | null {
  if (value === null) return null;
  return positive(step === undefined ? value : floorToStep(value, step));
}

/** The quantity of a value in the quote currency, cut down to the step. */
function qtyOfValue(value: Decimal, price: Decimal | null, symbol: string, market: Market | undefined): Decimal | null {
  if (market === undefined) return null;
  const divisor = isInverse(symbol) ? market.contractSize : price;
  return divisor === null ? null : cutTo(div(value, divisor, PLACES), market.qtyStep);
}

/** The quantity that is sent; null: not known yet, or less than one step. */
export function qtyOf(draft: Draft, symbol: string, basis: Basis): Decimal | null {
  const amount = positive(draft.amount);
  if (amount === null || draft.unit === "base") return amount;
  const price = entryPrice(draft, basis.quote);
  if (draft.unit === "quote") return qtyOfValue(amount, price, symbol, basis.market);
  if (basis.equity === null || price === null) return null;
  const share = div(mul(basis.equity, amount), "100", PLACES);
  if (share === null || sign(share) <= 0) return null;
  // Equity of an inverse contract is counted in base.
  return qtyOfValue(isInverse(symbol) ? mul(share, price) : share, price, symbol, basis.market);
}

/** Profit of `qty` from `entry` to `exit`, without fees; null for an inverse contract of unknown size. */
export function resultAt(
  symbol: string,
  side: Side,
  qty: Decimal,
  prices: { entry: Decimal; exit: Decimal },
  contractSize: Decimal | null,
): Decimal | null {
  const move = side === "buy" ? sub(prices.exit, prices.entry) : sub(prices.entry, prices.exit);
  if (!isInverse(symbol)) return mul(move, qty);
  if (contractSize === null) return null;
  return div(mul(mul(move, qty), contractSize), mul(prices.entry, prices.exit), PLACES);
}

/** A price so far from the entry, against the position or with it, on the tick. */
function priceAway(entry: Decimal, distance: Decimal, up: boolean, step: Decimal | undefined): Decimal | null {
  return cutTo(positive(add(entry, up ? distance : neg(distance))), step);
}

interface Levels {
  stopLoss: Decimal | null;
  takeProfit: Decimal | null;
}

/** Stop and target as prices. */
export function levelsOf(draft: Draft, basis: Basis): Levels {
  const stop = positive(draft.stop);
  const target = positive(draft.target);
  if (draft.levelUnit === "price") return { stopLoss: stop, takeProfit: target };
  const entry = entryPrice(draft, basis.quote);
  if (entry === null) return { stopLoss: null, takeProfit: null };
  const long = draft.side === "buy";
  const step = basis.market?.priceStep;
  const percent = (value: Decimal | null, up: boolean) => {
    const distance = value === null ? null : div(mul(entry, value), "100", PLACES);
    return distance === null ? null : priceAway(entry, distance, up, step);
  };
  if (draft.levelUnit === "percent") return { stopLoss: percent(stop, !long), takeProfit: percent(target, long) };
  const risk = stop === null ? null : abs(sub(entry, stop));
  const takeProfit = risk === null || target === null ? null : priceAway(entry, mul(risk, target), long, step);
  return { stopLoss: stop, takeProfit };
}

export interface Estimate {
  /** Result at the stop and at the target, without fees. */
  stop: Decimal | null;
  target: Decimal | null;
  /** The result at the target in multiples of the loss at the stop. */
  multiple: Decimal | null;
}

/** What stop and target would bring; null where a price or the quantity is missing. */
export function estimateOf(ticket: Ticket, entry: Decimal | null, contractSize: Decimal | null): Estimate {
  const { symbol, side, qty, stopLoss, takeProfit } = ticket;
  const at = (exit: Decimal | "") =>
    symbol === null || entry === null || qty === "" || exit === ""
      ? null
      : resultAt(symbol, side, qty, { entry, exit }, contractSize);
  const stop = at(stopLoss);
  const target = at(takeProfit);
  const risky = stop !== null && sign(stop) < 0;
  return { stop, target, multiple: target !== null && risky ? div(target, abs(stop), 2) : null };
}

/** The ticket that is sent; amounts that are not known yet are empty. */
export function resolve(draft: Draft, target: { accountId: number | null; symbol: string | null }, basis: Basis): Ticket {
  const { amount: _amount, unit: _unit, stop: _stop, target: _target, levelUnit: _levelUnit, ...rest } = draft;
  const { stopLoss, takeProfit } = levelsOf(draft, basis);
  const qty = target.symbol === null ? null : qtyOf(draft, target.symbol, basis);
  return { ...rest, ...target, qty: qty ?? "", stopLoss: stopLoss ?? "", takeProfit: takeProfit ?? "" };
}

/** Whether a level that was typed gives no price: a distance without an entry, a multiple without a stop. */
export function isLevelMissing(draft: Draft, ticket: Ticket): boolean {
  return (positive(draft.stop) !== null && ticket.stopLoss === "") || (positive(draft.target) !== null && ticket.takeProfit === "");
}

