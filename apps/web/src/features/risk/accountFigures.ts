/** What the list of accounts shows beside the switches: value, exposure, and the limit that is used most. */
import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import type { AccountAccess } from "@/api/types";
import { exposureOf, type Exposure } from "@/features/dashboard/exposure";
import { usePortfolio, type Portfolio } from "@/features/dashboard/reads";
import { askedForUsage, usageOptions, type Usage } from "@/features/risk/reads";
import { usedPercent } from "@/features/risk/usedPercent";
import { cmp, type Decimal } from "@/lib/decimal";

export interface AccountFigures {
  equity: Decimal | null;
  currency: string;
  /** Null: nothing is held, or it has no common currency or no price. */
  exposure: Exposure | null;
  /** The limit of which most is used; null: none has a use. */
  limit: { key: Usage["key"]; percent: Decimal } | null;
}

/** The limit of which the largest part is used. */
export function mostUsed(usages: readonly Usage[]): AccountFigures["limit"] {
  let found: AccountFigures["limit"] = null;
  for (const usage of usages) {
    const percent = usedPercent(usage);
    if (percent !== null && (found === null || cmp(percent, found.percent) > 0)) found = { key: usage.key, percent };
  }
  return found;
}

/** The figures of these accounts by their id; without limits where the key is restricted to strategies. */
export function useAccountFigures(accounts: readonly AccountAccess[]): ReadonlyMap<number, AccountFigures> {
  const { data: portfolio } = usePortfolio(accounts.map((account) => account.account_id).join(","));
  const asked = useMemo(() => askedForUsage(accounts), [accounts]);
  const limits = useQueries({
    queries: asked.map((id) => usageOptions(id)),
    combine: (queries) => queries.map((query) => query.data?.items),
  });
  return useMemo(() => {
    const found = new Map<number, AccountFigures>();
    for (const row of portfolio?.items ?? []) {
      const { account_id: id, equity, currency } = row;
      const usages = limits[asked.indexOf(id)] ?? [];
      const one: Pick<Portfolio, "items"> = { items: [row] };
      found.set(id, { equity, currency, exposure: exposureOf(one), limit: mostUsed(usages) });
    }
    return found;
  }, [portfolio, limits, asked]);
}
