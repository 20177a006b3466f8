/** Sums of amounts; amounts in different currencies are never added to each other. */
import { add, type Decimal } from "@/lib/decimal";

/** The sum of each currency, by its name. */
export function sumsByCurrency(entries: Iterable<readonly [string, Decimal]>): [string, Decimal][] {
  const found = new Map<string, Decimal>();
  for (const [currency, value] of entries) found.set(currency, add(found.get(currency) ?? "0", value));
  return [...found].toSorted(([a], [b]) => a.localeCompare(b));
}
