/** What the trade desk trades: an account in view, one of its symbols, and the strategies that may use it. */
import { useState } from "react";
import { useStrategies } from "@/api/strategies";
import type { AccountAccess, Strategy } from "@/api/types";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { useSymbols } from "@/features/trade/markets";
import { useCan } from "@/lib/permissions";

export interface TradeTarget {
  /** The accounts in view that may be traded. */
  accounts: readonly AccountAccess[];
  account: AccountAccess | undefined;
  accountId: number | null;
  symbols: readonly string[];
  symbol: string | null;
  strategies: readonly Strategy[];
  chooseAccount: (accountId: number) => void;
  chooseSymbol: (symbol: string) => void;
}

/** The account is chosen on the page, its first one to begin with; the symbol is kept in the URL. */
export function useTradeTarget(): TradeTarget {
  const scope = useScope();
  const can = useCan();
  const [chosen, chooseAccount] = useState<number | null>(null);
  const [filters, setFilters] = useFilters("trade");
  const accounts = scope.accounts.filter((account) => can("trade", account.account_id));
  const account = accounts.find((one) => one.account_id === chosen) ?? accounts[0];
  const accountId = account?.account_id ?? null;
  const symbols = useSymbols(accountId).data ?? [];
  const known = useStrategies().data ?? [];
  return {
    accounts,
    account,
    accountId,
    symbols,
    symbol: filters.trade ?? symbols.find((one) => one === "BTC/USDT") ?? symbols[0] ?? null,
    strategies: known.filter(
      (strategy) =>
        strategy.status === "active" &&
        strategy.account_ids.includes(accountId ?? 0) &&
        (account?.restrict_to_strategies !== true || account.strategy_ids.includes(strategy.strategy_id)),
    ),
    chooseAccount,
    chooseSymbol: (trade) => setFilters({ trade }),
  };
}
