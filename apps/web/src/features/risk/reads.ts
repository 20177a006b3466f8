/** What the risk pages read and change. */
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import type { Account, AccountAccess } from "@/api/types";
import { useLiveEvents } from "@/live/hooks";

export type Usage = components["schemas"]["Usage"];
export type AccountRow = Account & { id: number };

const ACCOUNTS = ["risk", "accounts"];
const USAGE_REFRESH_MS = 5_000;
const USAGE_LIST_REFRESH_MS = 15_000;
/** Usage is read account by account: for more than these it is not shown. */
const USAGES_MAX = 20;

/** The accounts with their switches, renewed when one of them changes. */
export function useRiskAccounts() {
  const client = useQueryClient();
  const renew = () => void client.invalidateQueries({ queryKey: ACCOUNTS });
  useLiveEvents(["account_status_changed", "account_allow_new_positions_changed", "kill_switch_changed"], renew);
  return useQuery({
    queryKey: ACCOUNTS,
    queryFn: async (): Promise<AccountRow[]> => {
      const { items } = await call(api.GET("/oms/accounts"));
      return items.map((account) => ({ ...account, id: account.account_id }));
    },
    refetchInterval: 15_000,
  });
}

/** Renew the accounts after a change of this page. */
export function useRenewAccounts(): () => Promise<void> {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: ACCOUNTS });
}

/** The limits that rule an account, how much of each is used, and their currency; null: of none. */
export function useUsageOf(accountId: number | null) {
  return useQuery({ ...usageOptions(accountId ?? 0), enabled: accountId !== null, refetchInterval: USAGE_REFRESH_MS });
}

/** The accounts whose limits are read: they belong to the whole account, and not to a key that is restricted to strategies. */
export function askedForUsage(accounts: readonly AccountAccess[]): readonly number[] {
  const ids = accounts.filter((account) => !account.restrict_to_strategies).map((account) => account.account_id);
  return ids.length <= USAGES_MAX ? ids : [];
}

/** The query of the limits of one account. */
export function usageOptions(accountId: number) {
  return queryOptions({
    queryKey: ["risk", "usage", accountId],
    queryFn: () => call(api.GET("/risk/usage", { params: { query: { account_id: accountId } } })),
    refetchInterval: USAGE_LIST_REFRESH_MS,
  });
}

/** Block an account or make it active. Throws `ApiError`. */
export function setStatus(accountId: number, status: "active" | "blocked", comment: string) {
  const params = { path: { account_id: accountId } };
  return call(api.POST("/oms/risk/{account_id}/status", { params, body: { status, comment } }));
}

/** Allow new positions of an account or forbid them. Throws `ApiError`. */
export function setAllowed(accountId: number, allow: boolean, comment: string) {
  const params = { path: { account_id: accountId } };
  const body = { allow_new_positions: allow, comment };
  return call(api.POST("/oms/risk/{account_id}/allow_new_positions", { params, body }));
}
