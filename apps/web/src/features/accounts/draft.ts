/** A new account as the form has it. */
import type { AccountRequest, PositionMode } from "@/features/accounts/reads";
import type { Preset } from "@/features/risk/policy";

export const ENVIRONMENTS = ["paper", "testnet", "demo", "live"] as const;
export type DraftEnvironment = (typeof ENVIRONMENTS)[number];

export interface AccountDraft {
  environment: DraftEnvironment;
  exchange: string | null;
  label: string;
  positionMode: PositionMode;
  /** Null: that of the environment. */
  preset: Preset | null;
}

/** The exchanges of an environment: the paper engine simulates, the others are connected to. */
export function exchangesFor(environment: DraftEnvironment, exchanges: readonly string[]): string[] {
  return exchanges.filter((exchange) => exchange.startsWith("paper.") === (environment === "paper"));
}

/** The request that creates the account; null while something is missing. */
export function requestOf(draft: AccountDraft): AccountRequest | null {
  const label = draft.label.trim();
  if (draft.exchange === null || label === "") return null;
  return {
    exchange_id: draft.exchange,
    label,
    position_mode: draft.positionMode,
    environment: draft.environment,
    is_testnet: draft.environment === "testnet" || draft.environment === "demo",
    ...(draft.preset === null ? {} : { risk_preset: draft.preset }),
  };
}
