/** Reassignment: what would move, and the move with its true result. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import { ApiError, errorOf } from "@/api/errors";
import type { components } from "@/api/schema";
import { commandDone } from "@/commands/outcome";

export type ReassignItem = components["schemas"]["ReassignItem"];
type Reassigned = components["schemas"]["Reassigned"];

const ITEMS_MAX = 500;

/** The orders with the deals that follow them, as the gateway would move them. */
export function useMoved(orderIds: readonly number[]) {
  return useQuery({
    queryKey: ["reassign", "preview", orderIds],
    queryFn: () =>
      call(api.POST("/oms/reassign", { body: { preview: true, order_ids: [...orderIds], page_size: ITEMS_MAX } })),
    staleTime: 0,
  });
}

export interface Target {
  strategyId: number;
  /** 0: the position mode decides. */
  positionId: number;
}

/** What became of the move in one account. */
export interface Moved {
  accountId: number | null;
  state: "done" | "rejected" | "unknown";
  orders: number;
  deals: number;
  error: unknown;
}

function stateOf(error: unknown): Moved["state"] {
  return error instanceof ApiError && (error.status === 0 || error.outcome === "unknown") ? "unknown" : "rejected";
}

async function followed(commandId: number, accountId: number | null): Promise<Moved> {
  try {
    const command = await commandDone(commandId);
    const { account_id, order_ids, deal_ids } = command;
    return { accountId: account_id, state: "done", orders: order_ids.length, deals: deal_ids.length, error: null };
  } catch (error) {
    return { accountId, state: stateOf(error), orders: 0, deals: 0, error };
  }
}

/**
 * Move the orders, with their deals and positions: one command for each account, each all or
 * nothing. Throws `ApiError` if nothing was moved.
 */
export async function reassign(orderIds: readonly number[], target: Target, comment: string): Promise<Moved[]> {
  const body = {
    order_ids: [...orderIds],
    target_strategy_id: target.strategyId,
    target_position_id: target.positionId,
    page_size: ITEMS_MAX,
    comment,
  };
  const { data, error, response } = await api.POST("/oms/reassign", { body });
  if (!response.ok || data === undefined) throw errorOf(response, error);
  return results(data as Reassigned, response.status);
}

async function results(answer: Reassigned, status: number): Promise<Moved[]> {
  const ids = answer.command_ids ?? [];
  if (status === 200) {
    return [{ accountId: null, state: "done", orders: answer.orders_updated, deals: answer.deals_updated, error: null }];
  }
  const refused = (answer.results ?? []).filter((result) => result.error !== null);
  const failed = refused.map((result): Moved => {
    const cause = new ApiError(409, result.error ?? {});
    return { accountId: result.account_id ?? null, state: stateOf(cause), orders: 0, deals: 0, error: cause };
  });
  const others = ids.filter((id) => !refused.some((result) => result.command_id === id));
  return [...(await Promise.all(others.map((id) => followed(id, null)))), ...failed];
}

/** The one value that all rows share; null: they differ, or there are none. */
export function shared<Row, Value>(rows: readonly Row[], value: (row: Row) => Value): Value | null {
  const [first, ...others] = rows.map(value);
  return first !== undefined && others.every((other) => other === first) ? first : null;
}
