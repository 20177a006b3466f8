/** Results of closed positions and the quality of execution; every figure is the gateway's. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import type { Days } from "@/app/period";
import { startOfDay } from "@/lib/time";

type Schemas = components["schemas"];

export const GROUPS = ["strategy", "symbol", "exchange", "account", "source", "day"] as const;
export const EXECUTION_GROUPS = ["strategy", "symbol", "exchange"] as const;
export type GroupBy = (typeof GROUPS)[number];
export type ExecutionGroupBy = (typeof EXECUTION_GROUPS)[number];

/** A row of figures: that of all comes first, with the key null. */
export type ResultRow = Omit<Schemas["StatisticsGroup"], "key"> & { id: number; key: string | number | null };
export type ExecutionRow = Omit<Schemas["ExecutionGroup"], "key"> & { id: number; key: string | number | null };

export interface Filters {
  accounts: string;
  days: Days;
  symbol: string | undefined;
}

function queryOf({ accounts, days, symbol }: Filters) {
  const from = startOfDay(days.start, days.tz).toISOString();
  return { account_ids: accounts, from, ...(symbol === undefined ? {} : { symbol }) };
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
