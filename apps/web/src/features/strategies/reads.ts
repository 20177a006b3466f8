/** Strategies: all of them for an administrator, those of the key for the others. */
import { queryOptions, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { api, call } from "@/api/client";
import { commentHeader } from "@/api/comment";
import type { components } from "@/api/schema";
import type { Strategy } from "@/api/types";

type Schemas = components["schemas"];

export type StrategyRow = Strategy & { id: number };

export interface StrategyDraft {
  name: string;
  clientId: string;
  accountIds: readonly number[];
}

/** All strategies if the user administers, else those that the key sees. */
export function useStrategyRows(isAdmin: boolean) {
  return useQuery({
    queryKey: ["strategies", isAdmin ? "all" : "own"],
    queryFn: async () => (await call(isAdmin ? api.GET("/admin/strategies") : api.GET("/strategies"))).items,
  });
}

/** Read all lists of strategies again. */
export function useRenewStrategies(): () => void {
  const client = useQueryClient();
  return useCallback(() => void client.invalidateQueries({ queryKey: ["strategies"] }), [client]);
}

/** Create a strategy. Throws `ApiError`. */
export async function createStrategy(isAdmin: boolean, draft: StrategyDraft, comment: string): Promise<void> {
  const params = { header: commentHeader(comment) };
  const body = {
    name: draft.name.trim(),
    account_ids: [...draft.accountIds],
    ...(draft.clientId === "" ? {} : { client_strategy_id: draft.clientId }),
  };
  await (isAdmin ? call(api.POST("/admin/strategies", { params, body })) : call(api.POST("/strategies", { params, body })));
}

/** Change a strategy. Throws `ApiError`. */
export async function changeStrategy(id: number, body: Schemas["StrategyChange"], comment: string): Promise<void> {
  const params = { path: { strategy_id: id }, header: commentHeader(comment) };
  await call(api.PATCH("/admin/strategies/{strategy_id}", { params, body }));
}

function switchesOptions(accountId: number) {
  return queryOptions({
    queryKey: ["strategies", "switches", accountId],
    queryFn: async () => {
      const params = { path: { account_id: accountId } };
      return (await call(api.GET("/oms/risk/{account_id}/strategies", { params }))).items;
    },
  });
}

/** Whether an account allows new positions of each of its strategies. */
export function useSwitches(accountId: number) {
  return useQuery(switchesOptions(accountId));
}

/** Switches are read account by account: beyond these they are not read for the list. */
const ACCOUNTS_MAX = 20;

/** Whether strategies may open positions, by `account strategy`; of accounts that were not read nothing is known. */
export function useEntries(rows: readonly StrategyRow[], readable: readonly number[]): ReadonlyMap<string, boolean> {
  const accounts = [...new Set(rows.flatMap((row) => row.account_ids))].filter((id) => readable.includes(id)).slice(0, ACCOUNTS_MAX);
  const items = useQueries({
    queries: accounts.map((id) => switchesOptions(id)),
    combine: (queries) => queries.map((query) => query.data),
  });
  const key = accounts.join(",");
  return useMemo(
    () =>
      new Map(
        key.split(",").flatMap((id, index) => (items[index] ?? []).map((row) => [`${id} ${row.strategy_id}`, row.allow_new_positions] as const)),
      ),
    [key, items],
  );
}

/** Allow new positions of a strategy on an account, or forbid them. Throws `ApiError`. */
export async function setStrategyAllowed(accountId: number, strategyId: number, allow: boolean, comment: string): Promise<void> {
  const params = { path: { account_id: accountId } };
  const body = { strategy_id: strategyId, allow_new_positions: allow, comment };
  await call(api.POST("/oms/risk/{account_id}/strategies/allow_new_positions", { params, body }));
}
