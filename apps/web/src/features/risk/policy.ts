/** Risk policies of a scope: reads, and changes with their true result. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import { commandDone } from "@/commands/outcome";
import { useLiveEvents } from "@/live/hooks";

export type Policy = components["schemas"]["Policy"];
export type ScopeName = Policy["scope"];
export type Preset = components["schemas"]["RiskPreset"]["preset"];

export const SCOPES: readonly ScopeName[] = ["account", "strategy", "global"];
export const PRESETS: readonly Preset[] = ["open", "standard", "strict", "small"];

export interface PolicyScope {
  scope: ScopeName;
  /** 0 of the scope `global`. */
  id: number;
}

const KEY = ["risk", "policy"];

/** The limits that one scope sets, renewed when they change. */
export function usePolicy({ scope, id }: PolicyScope, enabled: boolean) {
  const client = useQueryClient();
  useLiveEvents(["risk_policy_changed"], () => void client.invalidateQueries({ queryKey: KEY }));
  return useQuery({
    queryKey: [...KEY, scope, id],
    queryFn: () => call(api.GET("/risk/policy", { params: { query: { scope, ...(id === 0 ? {} : { scope_id: id }) } } })),
    enabled,
    refetchInterval: 15_000,
  });
}

/** Read policies and usage again. */
export function useRenewPolicies(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await client.invalidateQueries({ queryKey: KEY });
    await client.invalidateQueries({ queryKey: ["risk", "usage"] });
  };
}

/** Waits for the command of an answer that came before its end. */
async function finished(answer: Promise<{ data?: Policy; error?: unknown; response: Response }>): Promise<void> {
  const policy = await call(answer);
  const { response } = await answer;
  if (response.status === 202 && policy.command_id !== null) await commandDone(policy.command_id);
}

/** Set keys of a scope. Throws `ApiError`. */
export function setLimits({ scope, id }: PolicyScope, keys: Record<string, unknown>, comment: string): Promise<void> {
  return finished(api.PUT("/risk/policy", { body: { scope, scope_id: id === 0 ? null : id, keys, comment } }));
}

/** Replace the limits of an account by those of a preset. Throws `ApiError`. */
export function applyPreset(accountId: number, preset: Preset, comment: string): Promise<void> {
  return finished(api.POST("/risk/policy/preset", { body: { account_id: accountId, preset, comment } }));
}
