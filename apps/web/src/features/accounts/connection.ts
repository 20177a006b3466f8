/** Test of an account's connection: its worker, the exchange's clock, and the balance. */
import { api, call, request } from "@/api/client";
import type { components } from "@/api/schema";
import type { Me } from "@/api/types";

/** Clocks that are further apart make exchanges refuse requests. */
export const OFFSET_MAX_S = 2;

export type Connection = components["schemas"]["Connection"];

/** What a step found; `error` is what the gateway or the exchange refused it with. */
export type Found<T> = { value: T } | { error: unknown };

export interface TestResult {
  connection: Found<Connection>;
  /** Null: not asked, because no worker answered. */
  clock: Found<{ time: string; offsetSeconds: number }> | null;
  balance: Found<readonly Balance[]> | null;
}

export interface Balance {
  currency: string;
  amount: string;
}

async function found<T>(step: Promise<T>): Promise<Found<T>> {
  try {
    return { value: await step };
  } catch (error) {
    return { error };
  }
}

/** The totals of a `fetch_balance`, without zeros. Amounts are shown as the exchange sent them. */
export function balancesOf(result: unknown): Balance[] {
  const total = typeof result === "object" && result !== null && "total" in result ? result.total : null;
  if (typeof total !== "object" || total === null) return [];
  return Object.entries(total).flatMap(([currency, amount]: [string, unknown]) =>
    (typeof amount === "number" || typeof amount === "string") && !/^-?0*\.?0*$/.test(String(amount))
      ? [{ currency, amount: String(amount) }]
      : [],
  );
}

/** How far the exchange's clock is from the gateway's, in whole seconds. */
export function offsetSeconds(exchangeMs: number, gatewayTime: string): number {
  return Math.trunc((exchangeMs - Date.parse(gatewayTime)) / 1000);
}

async function callExchange(accountId: number, func: string): Promise<unknown> {
  const params = { path: { account_id: accountId, func } };
  return (await call(api.POST("/ccxt/{account_id}/{func}", { params, body: {} }))).result;
}

/** The exchange's clock, read through the account's worker. Throws `ApiError`. */
export async function readClock(accountId: number): Promise<{ time: string; offsetSeconds: number }> {
  const time = await callExchange(accountId, "fetch_time");
  if (typeof time !== "number") throw new Error(String(time));
  const me = await request<Me>("GET", "/auth/me");
  return { time: new Date(time).toISOString(), offsetSeconds: offsetSeconds(time, me.server.server_time) };
}

/** Ask the worker, then the exchange through it. Changes nothing there. */
export async function testConnection(accountId: number): Promise<TestResult> {
  const params = { path: { account_id: accountId } };
  const connection = await found(call(api.GET("/oms/accounts/{account_id}/connection", { params })));
  if ("value" in connection && !connection.value.answered) return { connection, clock: null, balance: null };
  return {
    connection,
    clock: await found(readClock(accountId)),
    balance: await found(callExchange(accountId, "fetch_balance").then(balancesOf)),
  };
}

/** Whether all that was asked works. */
export function isGood(result: TestResult): boolean {
  const { connection, clock, balance } = result;
  return (
    "value" in connection &&
    connection.value.answered &&
    connection.value.trouble === null &&
    clock !== null &&
    "value" in clock &&
    balance !== null &&
    "value" in balance
  );
}
