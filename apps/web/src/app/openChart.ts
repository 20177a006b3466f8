/** The way from a row to the chart of its symbol. */
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, call } from "@/api/client";

const LISTS_KEPT_MS = 60_000;

/**
 * Open the chart of a symbol with the account in view, played back to `at` if it is given. Candles are stored by
 * exchange: those of the account's exchange are taken, else those of any that has the symbol.
 */
export function useOpenChart(): (accountId: number, symbol: string, at?: string | null) => void {
  const client = useQueryClient();
  const navigate = useNavigate();
  const exchangeOf = async (accountId: number, symbol: string): Promise<string | undefined> => {
    const [{ items: instruments }, { items: accounts }] = await client.fetchQuery({
      queryKey: ["chart", "exchanges"],
      queryFn: () => Promise.all([call(api.GET("/market/symbols")), call(api.GET("/oms/accounts"))]),
      staleTime: LISTS_KEPT_MS,
    });
    const own = accounts.find((account) => account.account_id === accountId)?.exchange_id;
    const stored = instruments.filter((one) => one.symbol === symbol).map((one) => one.exchange);
    return stored.find((exchange) => exchange === own) ?? stored[0] ?? own;
  };
  return (accountId, symbol, at = null) => {
    const open = (exchange: string | undefined) =>
      navigate({ to: "/chart", search: { acc: String(accountId), exchange, symbol, ...(at === null ? {} : { cursor: at }) } as never });
    void exchangeOf(accountId, symbol).then(open, () => open(undefined));
  };
}
