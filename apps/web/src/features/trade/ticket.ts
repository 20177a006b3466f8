/** The fields of an order ticket, which of them an order type needs, and the command they make. */
import type { Side } from "@/api/types";
import { sign, type Decimal } from "@/lib/decimal";
import { parseExactly } from "@/lib/exactJson";

export const ORDER_TYPES = ["market", "limit", "stop_market", "stop_limit", "trailing_stop"] as const;
export type OrderType = (typeof ORDER_TYPES)[number];

export const TIMES_IN_FORCE = ["GTC", "GTD", "IOC", "FOK"] as const;
export type TimeInForce = (typeof TIMES_IN_FORCE)[number];

/** What the quantity is typed in: base currency (or contracts), quote currency, percent of the account's equity. */
export const QTY_UNITS = ["base", "quote", "equity"] as const;
export type QtyUnit = (typeof QTY_UNITS)[number];

/** What stop and target are typed in: prices, percent from the entry, or a target in multiples of the risk. */
export const LEVEL_UNITS = ["price", "percent", "risk"] as const;
export type LevelUnit = (typeof LEVEL_UNITS)[number];

/** An order as it is sent. */
export interface Ticket {
  accountId: number | null;
  strategyId: number;
  symbol: string | null;
  side: Side;
  type: OrderType;
  qty: Decimal | "";
  price: Decimal | "";
  trigger: Decimal | "";
  trailingPercent: Decimal | "";
  timeInForce: TimeInForce;
  /** When an order that is good till a date ends (RFC 3339); empty: not given. */
  expiresAt: string;
  postOnly: boolean;
  reduceOnly: boolean;
  /** The position that the order is for; 0: by the mode of the account. */
  positionId: number | "new";
  stopLoss: Decimal | "";
  takeProfit: Decimal | "";
  comment: string;
  /** Further parameters of the exchange as a JSON object; empty: none. */
  params: string;
}

/** An order as it is typed. */
export interface Draft extends Omit<Ticket, "accountId" | "symbol" | "qty" | "stopLoss" | "takeProfit"> {
  amount: Decimal | "";
  unit: QtyUnit;
  stop: Decimal | "";
  target: Decimal | "";
  levelUnit: LevelUnit;
}

export const EMPTY_DRAFT: Draft = {
  strategyId: 0,
  side: "buy",
  type: "market",
  amount: "",
  unit: "base",
  price: "",
  trigger: "",
  trailingPercent: "",
  timeInForce: "GTC",
  expiresAt: "",
  postOnly: false,
  reduceOnly: false,
  positionId: 0,
  stop: "",
  target: "",
  levelUnit: "price",
  comment: "",
  params: "",
};

/** The fields that belong to the symbol, empty. */
export const EMPTY_AMOUNTS = { amount: "", price: "", trigger: "", trailingPercent: "", stop: "", target: "", positionId: 0 } as const;

export function needsPrice(type: OrderType): boolean {
  return type === "limit" || type === "stop_limit";
}

export function needsTrigger(type: OrderType): boolean {
  return type === "stop_market" || type === "stop_limit";
}

function given(value: Decimal | ""): boolean {
  return value !== "" && sign(value) > 0;
}

/** Whether the order ends at a time that is given. */
export function needsExpiry(ticket: Pick<Ticket, "type" | "timeInForce">): boolean {
  return needsPrice(ticket.type) && ticket.timeInForce === "GTD";
}

/** The parameters as an object; null: the text is no JSON object. */
export function paramsOf(text: string): Record<string, unknown> | null {
  if (text.trim() === "") return {};
  try {
    const value = parseExactly(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Whether every field that the type needs has a value. */
export function isComplete(ticket: Ticket): boolean {
  return (
    ticket.accountId !== null &&
    ticket.symbol !== null &&
    given(ticket.qty) &&
    (!needsPrice(ticket.type) || given(ticket.price)) &&
    (!needsTrigger(ticket.type) || given(ticket.trigger)) &&
    (ticket.type !== "trailing_stop" || given(ticket.trailingPercent)) &&
    (!needsExpiry(ticket) || ticket.expiresAt !== "") &&
    paramsOf(ticket.params) !== null
  );
}

/** The payload of `send_order`: only what the type uses and what was given. */
export function payloadOf(ticket: Ticket): Record<string, unknown> {
  const limit = needsPrice(ticket.type);
  const params = paramsOf(ticket.params) ?? {};
  return {
    symbol: ticket.symbol,
    side: ticket.side,
    order_type: ticket.type,
    qty: ticket.qty,
    ...(ticket.strategyId === 0 ? {} : { strategy_id: ticket.strategyId }),
    ...(limit ? { price: ticket.price, time_in_force: ticket.timeInForce } : {}),
    ...(needsExpiry(ticket) ? { expires_at: ticket.expiresAt } : {}),
    ...(limit && ticket.postOnly ? { post_only: true } : {}),
    ...(needsTrigger(ticket.type) ? { trigger_price: ticket.trigger } : {}),
    ...(ticket.type === "trailing_stop" ? { trailing_percent: ticket.trailingPercent } : {}),
    ...(ticket.positionId === "new" ? { new_position: true } : ticket.positionId === 0 ? {} : { position_id: ticket.positionId }),
    ...(ticket.reduceOnly ? { reduce_only: true } : {}),
    ...(given(ticket.stopLoss) ? { oms_stop_loss: ticket.stopLoss } : {}),
    ...(given(ticket.takeProfit) ? { oms_stop_gain: ticket.takeProfit } : {}),
    ...(ticket.comment.trim() === "" ? {} : { comment: ticket.comment.trim() }),
    ...(Object.keys(params).length === 0 ? {} : { params }),
  };
}
