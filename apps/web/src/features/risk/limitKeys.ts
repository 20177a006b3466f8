/** The keys of a risk policy: what kind of value each has, and its unit. */
import type { Usage } from "@/features/risk/reads";
import type { components } from "@/api/schema";
import { readInput } from "@/lib/decimal";

export type LimitKey = Usage["key"];
export type Limit = components["schemas"]["Limit"];
export type LimitValue = Limit["value"];

type Kind = "number" | "flag" | "symbols" | "zone";
/** `money`: the currency of limits. */
export type Unit = "money" | "percent" | "bps" | "seconds" | "perMinute" | "perDay" | "times" | "quantity" | null;
export type Group = "entries" | "frequency" | "prices" | "numbers" | "sizes" | "losses";

interface KeyFacts {
  group: Group;
  unit: Unit;
  kind?: Kind;
  /** Measured over accounts: it is not set for a strategy. */
  ofAccount?: true;
}

export const LIMIT_KEYS: Record<LimitKey, KeyFacts> = {
  allow_new_positions: { group: "entries", unit: null, kind: "flag" },
  allowed_symbols: { group: "entries", unit: null, kind: "symbols" },
  duplicate_order_window_seconds: { group: "frequency", unit: "seconds" },
  max_orders_per_minute: { group: "frequency", unit: "perMinute" },
  max_signals_per_day: { group: "frequency", unit: "perDay" },
  max_signals_per_symbol_per_day: { group: "frequency", unit: "perDay" },
  cooldown_seconds_after_losses: { group: "frequency", unit: "seconds" },
  losses_in_a_row: { group: "frequency", unit: null },
  auto_reject_rate_per_minute: { group: "frequency", unit: "perMinute", ofAccount: true },
  price_collar_pct: { group: "prices", unit: "percent" },
  max_slippage_bps: { group: "prices", unit: "bps" },
  max_open_positions: { group: "numbers", unit: null },
  max_open_positions_per_symbol: { group: "numbers", unit: null },
  max_open_orders_per_symbol: { group: "numbers", unit: null },
  "max_order_qty.crypto": { group: "sizes", unit: "quantity" },
  "max_order_qty.stock": { group: "sizes", unit: "quantity" },
  min_order_notional: { group: "sizes", unit: "money" },
  max_order_notional: { group: "sizes", unit: "money" },
  max_position_notional: { group: "sizes", unit: "money" },
  max_capital_per_position_pct: { group: "sizes", unit: "percent" },
  max_total_exposure: { group: "sizes", unit: "money" },
  max_leverage: { group: "sizes", unit: "times" },
  daily_loss_limit: { group: "losses", unit: "money", ofAccount: true },
  daily_loss_limit_pct: { group: "losses", unit: "percent", ofAccount: true },
  max_total_drawdown_pct: { group: "losses", unit: "percent", ofAccount: true },
  risk_day_zone: { group: "losses", unit: null, kind: "zone", ofAccount: true },
};

export const GROUPS: readonly Group[] = ["entries", "frequency", "prices", "numbers", "sizes", "losses"];

export function keysOf(group: Group): LimitKey[] {
  return (Object.keys(LIMIT_KEYS) as LimitKey[]).filter((key) => LIMIT_KEYS[key].group === group);
}

/** New values by key, as typed; an empty text removes the limit. */
export type Draft = Partial<Record<LimitKey, string>>;

/** The value as it is typed; empty: no limit. */
export function typedValue(value: LimitValue | undefined): string {
  if (value === undefined) return "";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** Whether the text can be read as a value of the key. */
export function isReadable(key: LimitKey, text: string, locale: string): boolean {
  return LIMIT_KEYS[key].kind !== undefined || text.trim() === "" || readInput(text, locale) !== null;
}

type SentValue = string | boolean | string[] | null;

/** The values that differ from those that are set, as they are sent. */
export function changedValues(draft: Draft, limits: readonly Limit[], locale: string): Partial<Record<LimitKey, SentValue>> {
  const changed: Partial<Record<LimitKey, SentValue>> = {};
  for (const [key, text] of Object.entries(draft) as [LimitKey, string][]) {
    if (!isReadable(key, text, locale)) continue;
    const set = limits.find((limit) => limit.key === key)?.value;
    const value = sentValue(LIMIT_KEYS[key].kind ?? "number", text.trim(), locale);
    if (typedValue(value ?? undefined) !== typedValue(set)) changed[key] = value;
  }
  return changed;
}

function sentValue(kind: Kind, text: string, locale: string): SentValue {
  if (text === "") return null;
  if (kind === "flag") return text === "true";
  if (kind === "number") return readInput(text, locale);
  if (kind === "zone") return text;
  return text
    .split(",")
    .map((symbol) => symbol.trim())
    .filter((symbol) => symbol !== "");
}

/** The key that a refusal is about; null: none. */
export function refusedKey(message: string): LimitKey | null {
  const name = message.split(/[:\s]/, 1)[0] ?? "";
  return name in LIMIT_KEYS ? (name as LimitKey) : null;
}
