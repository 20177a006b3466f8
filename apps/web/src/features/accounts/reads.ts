/** Accounts, for administrators: what the pages read and change. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { api, call } from "@/api/client";
import { commentHeader } from "@/api/comment";
import type { components } from "@/api/schema";
import { loadSession } from "@/api/session";
import type { Environment } from "@/api/types";

type Schemas = components["schemas"];

export type AccountRequest = Schemas["AccountRequest"];
export type AccountChange = Omit<Schemas["AccountChange"], "comment">;
export type PositionMode = NonNullable<Schemas["AccountRequest"]["position_mode"]>;
export type Compared = Schemas["ReconcileStatus"];

export const POSITION_MODES = ["hedge", "netting", "strategy_netting"] as const satisfies readonly PositionMode[];

/** An account as the lists show it. Credentials are known as stored or not, never as text. */
export interface AdminAccount extends Omit<Schemas["AdminAccount"], "environment"> {
  id: number;
  environment: Environment;
}

const ADMIN_ACCOUNTS_QUERY = ["admin", "accounts"] as const;
const REFRESH_MS = 10_000;

export function useAccounts() {
  return useQuery({
    queryKey: ADMIN_ACCOUNTS_QUERY,
    queryFn: async (): Promise<AdminAccount[]> => {
      const { items } = await call(api.GET("/admin/accounts"));
      return items.map((account) => ({ ...account, id: account.account_id, environment: account.environment as Environment }));
    },
  });
}

/** When each account was last compared with its exchange, and what was found. */
export function useCompared() {
  return useQuery({
    queryKey: ["reconcile", "status"],
    queryFn: async () => (await call(api.GET("/oms/reconcile/status"))).items,
    refetchInterval: REFRESH_MS,
  });
}

/** The exchanges that accounts may be of, with their engine: `paper.binance`. */
export function useExchanges() {
  return useQuery({
    queryKey: ["exchanges"],
    queryFn: async () => (await call(api.GET("/meta/exchanges"))).items,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Read the accounts again, and those that the user sees on all pages. */
export function useRenewAccounts(): () => void {
  const client = useQueryClient();
  return useCallback(() => {
    void client.invalidateQueries({ queryKey: ADMIN_ACCOUNTS_QUERY });
    void loadSession();
  }, [client]);
}

/** Create an account. Throws `ApiError`. */
export function createAccount(body: AccountRequest, comment: string): Promise<Schemas["AccountCreated"]> {
  return call(api.POST("/admin/accounts", { params: { header: commentHeader(comment) }, body }));
}

/** Change settings or credentials of an account. Throws `ApiError`. */
export async function changeAccount(accountId: number, change: AccountChange, comment: string): Promise<void> {
  const params = { path: { account_id: accountId }, header: commentHeader(comment) };
  await call(api.PATCH("/admin/accounts/{account_id}", { params, body: { ...change, comment } }));
}
