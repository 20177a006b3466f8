/** Results of closed positions and the quality of execution; every figure is the gateway's. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import type { Days } from "@/app/period";
import { startOfDay } from "@/lib/time";

type Schemas = components["schemas"];

export const GROUPS = ["strategy", "symbol", "exchange", "account", "source", "day"] as const;
export const EXECUTION_GROUPS = ["strategy", "symbol", "exchange", "source"] as const;
export type GroupBy = (typeof GROUPS)[number];
export type ExecutionGroupBy = (typeof EXECUTION_GROUPS)[number];

/** A row of figures: that of all comes first, with the key null. */
export type ResultRow = Omit<Schemas["StatisticsGroup"], "key"> & { id: number; key: string | number | null };
export type ExecutionRow = Omit<Schemas["ExecutionGroup"], "key"> & { id: number; key: string | number | null };

export interface Filters {
  accounts: string;
  days: Days;
  symbol: string | undefined;
  strategy: string | undefined;
  source: string | undefined;
}

/** A filter that is no id is left out. */
function idOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number.parseInt(text, 10) : undefined;
}

function queryOf({ accounts, days, symbol, strategy, source }: Filters) {
  const from = startOfDay(days.start, days.tz).toISOString();
  const ids = { strategy_id: idOf(strategy), source_id: idOf(source) };
  return {
    account_ids: accounts,
    from,
    ...(symbol === undefined ? {} : { symbol }),
    ...(ids.strategy_id === undefined ? {} : { strategy_id: ids.strategy_id }),
    ...(ids.source_id === undefined ? {} : { source_id: ids.source_id }),
  };
}

/** The figures of all and of each group, as rows. */
function rowsOf<Group extends { key: string | number }>(all: Omit<Group, "key"> & { groups: Group[] }) {
  const { groups, ...whole } = all;
  return [{ ...whole, key: null }, ...groups].map((row, id) => ({ ...row, id }));
}

export function useResults(filters: Filters, groupBy: GroupBy) {
  const query = { ...queryOf(filters), group_by: groupBy };
  return useQuery({
    queryKey: ["stats", query],
    queryFn: async () => rowsOf(await call(api.GET("/stats", { params: { query } }))) as ResultRow[],
    enabled: filters.accounts !== "",
  });
}

export function useExecution(filters: Filters, groupBy: ExecutionGroupBy) {
  const query = { ...queryOf(filters), group_by: groupBy };
  return useQuery({
    queryKey: ["execution", query],
    queryFn: async () => rowsOf(await call(api.GET("/analytics/execution", { params: { query } }))) as ExecutionRow[],
    enabled: filters.accounts !== "",
  });
}
