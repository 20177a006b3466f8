/** What lists of orders, deals and positions can be grouped by. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useStrategyNames } from "@/api/strategies";
import { useAccountNames } from "@/app/scope";
import type { Grouping } from "@/kit/grid/groups";
import { usePreference } from "@/lib/preferences";
import { dayOf } from "@/lib/time";

interface LedgerRow {
  account_id: number;
  strategy_id: number;
  symbol: string;
}

/** By account, strategy and symbol; with a time also by day, in the user's zone. */
export function useLedgerGroupings<Row extends LedgerRow>(timeOf?: (row: Row) => string | null): readonly Grouping<Row>[] {
  const { t } = useTranslation();
  const account = useAccountNames();
  const strategy = useStrategyNames();
  const zone = usePreference("zone");
  return useMemo((): Grouping<Row>[] => {
    const day = (row: Row) => {
      const time = timeOf?.(row) ?? null;
      return time === null ? "" : dayOf(new Date(time), zone);
    };
    return [
      ...(timeOf === undefined ? [] : [{ id: "day", label: t("column.day"), keyOf: day }]),
      { id: "account", label: t("column.account"), keyOf: (row: Row) => account(row.account_id).label },
      { id: "strategy", label: t("column.strategy"), keyOf: (row: Row) => strategy(row.strategy_id) },
      { id: "symbol", label: t("column.symbol"), keyOf: (row: Row) => row.symbol },
    ];
  }, [t, account, strategy, zone, timeOf]);
}
