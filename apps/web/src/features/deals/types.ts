/** Kinds of deals that are no executions. */
import type { Deal } from "@/api/types";

const TYPES = ["funding", "balance", "commission", "correction"] as const;

export type OtherDealType = (typeof TYPES)[number] | "other";

/** The kind of a deal that is no execution; null of one that is. */
export function otherTypeOf(deal: Deal): OtherDealType | null {
  if (deal.type === "trade") return null;
  return TYPES.find((type) => type === deal.type) ?? "other";
}
