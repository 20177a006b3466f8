/** What a discrepancy says in short: our side, the exchange's, and the proposed fix. */
import type { components } from "@/api/schema";

export type Discrepancy = components["schemas"]["Discrepancy"];

export const CLASSES = [
  "position_differs",
  "order_vanished",
  "deal_extra",
  "deal_differs",
  "balance_differs",
  "funding_differs",
  "position_mode_differs",
  "credentials_changed_owner",
  "order_over_filled",
] as const;
export type DiscrepancyClass = (typeof CLASSES)[number];

export const STATUSES = ["open", "pending", "applied", "dismissed", "closed", "reversed"] as const;
export type DiscrepancyStatus = (typeof STATUSES)[number];

export const FIXES = ["correct", "reverse", "cancel", "take_back", "replace", "enter"] as const;
export type Fix = (typeof FIXES)[number];

type Fields = Record<string, unknown>;

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function text(value: unknown): string | null {
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}

function joined(...values: unknown[]): string | null {
  const words = values.map(text).filter((word) => word !== null);
  return words.length === 0 ? null : words.join(" ");
}

function execution(value: unknown): string | null {
  const { side, qty, price } = fieldsOf(value);
  if (text(qty) === null) return null;
  return joined(side, qty, text(price) === null ? null : `@ ${text(price)}`);
}

/** The two sides; null: there is nothing on that side, or it cannot be said in a word. */
export function sidesOf(row: Discrepancy): { ours: string | null; exchange: string | null } {
  const facts = fieldsOf(row.evidence);
  switch (row.class as DiscrepancyClass) {
    case "position_differs":
      return { ours: joined(facts["side"], facts["book_qty"]), exchange: joined(facts["side"], facts["exchange_qty"]) };
    case "balance_differs":
      return {
        ours: joined(facts["book_total"], facts["currency"]),
        exchange: joined(facts["exchange_total"], facts["currency"]),
      };
    case "funding_differs":
      return { ours: text(facts["booked_sum"]), exchange: text(facts["exchange_sum"]) };
    case "position_mode_differs":
      return { ours: text(facts["position_mode"]), exchange: text(facts["exchange_mode"]) };
    case "order_vanished":
      return { ours: joined(facts["state"], facts["remaining_qty"]), exchange: null };
    case "deal_extra":
    case "deal_differs":
      return { ours: execution(facts["booked"]), exchange: execution(facts["told"]) };
    default:
      return { ours: null, exchange: null };
  }
}

/** The proposed fix and its amount; null: the gateway proposes none. */
export function fixOf(row: Discrepancy): { action: Fix | null; word: string; amount: string | null } | null {
  const fix = fieldsOf(row.fix);
  const action = text(fix["action"]);
  if (action === null) return null;
  const amount = joined(fix["side"], fix["qty"] ?? fix["amount"], fix["currency"]);
  return { action: FIXES.find((one) => one === action) ?? null, word: action, amount };
}

/** Whether the gateway would take the decision; it decides by itself when it gets it. */
export function mayDecide(row: Discrepancy, decision: "apply" | "dismiss"): boolean {
  if (decision === "apply") return fixOf(row) !== null && ["open", "dismissed"].includes(row.status);
  return ["open", "applied"].includes(row.status);
}
