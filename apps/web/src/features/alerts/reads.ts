/** Price alerts of accounts: messages when a price is reached, which trade nothing. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";

export type Alert = components["schemas"]["Alert"] & { id: number };
export type Condition = Alert["condition"];

export const ALERTS_QUERY = ["alerts"] as const;

/** The alerts of these accounts that have not fired; what was read less than `keptMs` ago is not read again. */
export function useAlerts(accounts: readonly number[], keptMs = 5_000) {
  return useQuery({
    queryKey: [...ALERTS_QUERY, accounts],
    queryFn: async (): Promise<Alert[]> => {
      const answers = await Promise.all(
        accounts.map((account_id) => call(api.GET("/alerts", { params: { query: { account_id } } }))),
      );
      return answers.flatMap(({ items }) => items.map((row) => ({ ...row, id: row.alert_id })));
    },
    enabled: accounts.length > 0,
    staleTime: keptMs,
  });
}

export interface AlertDraft {
  account_id: number;
  symbol: string;
  condition: Condition;
  price: string;
  note: string | null;
}

export async function createAlert(draft: AlertDraft): Promise<void> {
  await call(api.POST("/alerts", { params: { query: { wait_ms: 5000 } }, body: draft }));
}

export async function deleteAlert(alert: Alert): Promise<void> {
  const params = { path: { alert_id: alert.id }, query: { account_id: alert.account_id, wait_ms: 5000 } };
  await call(api.DELETE("/alerts/{alert_id}", { params }));
}
