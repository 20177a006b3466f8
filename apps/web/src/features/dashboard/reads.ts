/** What the dashboard reads; every figure is the gateway's. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import type { Order } from "@/api/types";
import type { Days } from "@/app/period";
import { startOfDay } from "@/lib/time";

export type Group = components["schemas"]["StatisticsGroup"];
export type Statistics = components["schemas"]["Statistics"];
export type EquityCurve = components["schemas"]["EquityCurve"];
export type Portfolio = components["schemas"]["Portfolio"];
export type GroupBy = "strategy" | "symbol" | "day";

const REFRESH_MS = 15_000;
/** Beyond this many days one point a day is enough. */
const HOURLY_DAYS_MAX = 31;

type Range = Pick<Days, "start" | "end" | "tz">;

/** The first moment of the period in its zone, as the gateway takes it. */
function startOf(days: Range): string {
  return startOfDay(days.start, days.tz).toISOString();
}

function length(days: Range): number {
  return (new Date(days.end).getTime() - new Date(days.start).getTime()) / 86_400_000;
}

/** Value of the accounts now, in the currency of reports. */
export function usePortfolio(accounts: string) {
  return useQuery({
    queryKey: ["portfolio", accounts],
    queryFn: () => call(api.GET("/portfolio", { params: { query: { account_ids: accounts } } })),
    enabled: accounts !== "",
    refetchInterval: REFRESH_MS,
  });
}

/** Results of the positions closed in the period, by group. */
export function useStatistics(accounts: string, days: Range, by: GroupBy) {
  return useQuery({
    queryKey: ["stats", accounts, startOf(days), by],
    queryFn: () =>
      call(api.GET("/stats", { params: { query: { account_ids: accounts, from: startOf(days), group_by: by } } })),
    enabled: accounts !== "",
    refetchInterval: REFRESH_MS,
  });
}

/** Equity and drawdown of each account over the period. */
export function useEquity(accounts: string, days: Days) {
  return useQuery({
    queryKey: ["equity", accounts, startOf(days)],
    queryFn: async () => {
      const resolution = length(days) > HOURLY_DAYS_MAX ? "day" : "hour";
      const query = { account_ids: accounts, from: startOf(days), resolution } as const;
      return (await call(api.GET("/analytics/equity", { params: { query } }))).items;
    },
    enabled: accounts !== "",
    refetchInterval: REFRESH_MS * 4,
  });
}

/** What each strategy earned over the period: the sum of its closed positions, by currency. */
export function useResultCurves(accounts: string, days: Days) {
  return useQuery({
    queryKey: ["result curves", accounts, startOf(days)],
    queryFn: async () => {
      const resolution = length(days) > HOURLY_DAYS_MAX ? ({ resolution: "day" } as const) : {};
      const query = { account_ids: accounts, from: startOf(days), ...resolution };
      return (await call(api.GET("/analytics/results", { params: { query } }))).items;
    },
    enabled: accounts !== "",
    refetchInterval: REFRESH_MS * 4,
  });
}

/** How many orders were rejected on these days. */
export function useRejected(accounts: string, { start, end, tz }: Range) {
  return useQuery({
    queryKey: ["rejected", accounts, start, end, tz],
    queryFn: async () => {
      const days = { start_date: start, end_date: end, tz };
      const query = { account_ids: accounts, status: "REJECTED", ...days, page_size: 1, with_total: true } as const;
      return (await call(api.GET("/oms/orders/history", { params: { query } }))).total ?? null;
    },
    enabled: accounts !== "",
    refetchInterval: REFRESH_MS,
  });
}

/** The newest refusals of the last day; older ones are on the page of limits. */
const REFUSALS_SHOWN = 5;

/** The newest orders that the gateway refused in the last day. */
export function useRefusals(accounts: string) {
  return useQuery({
    queryKey: ["refusals", accounts],
    queryFn: async (): Promise<Order[]> => {
      const query = { account_ids: accounts, status: "REJECTED", days: 1, cursor: "", sort: "desc", page_size: 50, with_total: false } as const;
      const { items } = await call(api.GET("/oms/orders/history", { params: { query } }));
      return (items as Order[]).filter((order) => order.reject_source === "oms").slice(0, REFUSALS_SHOWN);
    },
    enabled: accounts !== "",
    refetchInterval: REFRESH_MS * 4,
  });
}
