/** What an account is worth, for orders sized by it. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { Decimal } from "@/lib/decimal";
import { profitCurrency } from "@/lib/symbol";

const REFRESH_MS = 15_000;

/**
 * Equity of an account in the currency that profit of the symbol is counted in; null: not known, or
 * the account is counted in another currency. Without an account nothing is read.
 */
export function useEquityOf(accountId: number | null, symbol: string): Decimal | null {
  const { data, isError } = useQuery({
    queryKey: ["portfolio", String(accountId)],
    queryFn: () => call(api.GET("/portfolio", { params: { query: { account_ids: String(accountId) } } })),
    enabled: accountId !== null,
    refetchInterval: REFRESH_MS,
  });
  const row = data?.items.find((item) => item.account_id === accountId);
  return !isError && row?.currency === profitCurrency(symbol) ? row.equity : null;
}
