/** Accounts, for administrators: what the pages read and change. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";

export type AdminAccount = components["schemas"]["AdminAccount"] & { id: number };

export const ADMIN_ACCOUNTS_QUERY = ["admin", "accounts"] as const;

export function useAccounts() {
  return useQuery({
    queryKey: ADMIN_ACCOUNTS_QUERY,
    queryFn: async (): Promise<AdminAccount[]> => {
      const { items } = await call(api.GET("/admin/accounts"));
      return items.map((account) => ({ ...account, id: account.account_id }));
    },
  });
}
