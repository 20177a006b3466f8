import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { KillSwitch } from "@/api/types";
import { useLiveEvents } from "@/live/hooks";

export const KILL_QUERY = ["risk", "kill", "active"];

/** The kill switches that are on, kept up to date by the live stream. */
export function useActiveKillSwitches() {
  const client = useQueryClient();
  useLiveEvents(["kill_switch_changed"], () => void client.invalidateQueries({ queryKey: KILL_QUERY }));
  return useQuery({
    queryKey: KILL_QUERY,
    queryFn: async (): Promise<KillSwitch[]> => {
      const { items } = await call(api.GET("/risk/kill", { params: { query: { active: true } } }));
      return items;
    },
    refetchInterval: 30_000,
  });
}

/** What is stopped: everything, one strategy, or each of some accounts. */
export type StopTarget = { scope: "global" } | { scope: "strategy"; id: number } | { scope: "accounts"; ids: readonly number[] };

export interface Stop {
  target: StopTarget;
  cancelEntries: boolean;
  flatten: boolean;
  comment: string;
}

function scopesOf(target: StopTarget): { scope: string; scope_id?: number }[] {
  if (target.scope === "accounts") return target.ids.map((id) => ({ scope: "account", scope_id: id }));
  return [target.scope === "strategy" ? { scope: target.scope, scope_id: target.id } : { scope: target.scope }];
}

/** Turn kill switches on. Throws `ApiError` of the first that fails; the others are on all the same. */
export async function stopTrading({ target, cancelEntries, flatten, comment }: Stop): Promise<void> {
  const common = { mode: flatten ? "flatten" : "reduce_only", cancel_entries: cancelEntries, comment };
  const bodies = scopesOf(target).map((scope) => ({ ...common, ...scope }));
  const results = await Promise.allSettled(bodies.map((body) => call(api.POST("/risk/kill", { body }))));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
