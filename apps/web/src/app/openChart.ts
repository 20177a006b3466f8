/** The way from a row to the chart of its symbol. */
import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, call } from "@/api/client";

const LISTS_KEPT_MS = 60_000;

/**
 * The exchange whose candles of a symbol are drawn for an account. They are stored by exchange: those of the account's
 * exchange are taken, else those of any that has the symbol; without any it is the account's exchange.
 */
async function chartExchange(client: QueryClient, accountId: number, symbol: string): Promise<{ exchange: string | undefined; isStored: boolean }> {
  const [{ items: instruments }, { items: accounts }] = await client.fetchQuery({
    queryKey: ["chart", "exchanges"],
    queryFn: () => Promise.all([call(api.GET("/market/symbols")), call(api.GET("/oms/accounts"))]),
    staleTime: LISTS_KEPT_MS,
  });
  const own = accounts.find((account) => account.account_id === accountId)?.exchange_id;
  const stored = instruments.filter((one) => one.symbol === symbol).map((one) => one.exchange);
  return { exchange: stored.find((exchange) => exchange === own) ?? stored[0] ?? own, isStored: stored.length > 0 };
}

/** The same while the page is shown; undefined until it is read. */
export function useChartExchange(accountId: number | null, symbol: string | null) {
  const client = useQueryClient();
  return useQuery({
    queryKey: ["chart", "exchange", accountId, symbol],
    queryFn: () => chartExchange(client, accountId ?? 0, symbol ?? ""),
    enabled: accountId !== null && symbol !== null,
    staleTime: LISTS_KEPT_MS,
  }).data;
}

/** Open the chart of a symbol with the account in view, played back to `at` if it is given. */
export function useOpenChart(): (accountId: number, symbol: string, at?: string | null) => void {
  const client = useQueryClient();
  const navigate = useNavigate();
  return (accountId, symbol, at = null) => {
    const open = (exchange: string | undefined) =>
      navigate({ to: "/chart", search: { acc: String(accountId), exchange, symbol, ...(at === null ? {} : { cursor: at }) } as never });
    void chartExchange(client, accountId, symbol).then(({ exchange }) => open(exchange), () => open(undefined));
  };
}
