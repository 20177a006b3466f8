import type { Usage } from "@/features/risk/reads";
import { div, isDecimal, mul, sign, type Decimal } from "@/lib/decimal";

/** How much of a limit is used, in percent; null if it is no amount or not known. */
export function usedPercent(usage: Usage): Decimal | null {
  const { limit, current } = usage;
  if (typeof limit !== "string" || !isDecimal(limit) || current === null || !isDecimal(current)) return null;
  if (sign(limit) <= 0) return null;
  return sign(current) <= 0 ? "0" : div(mul(current, "100"), limit, 1);
}
