/** Raw orders and executions of the exchange: reads, fields, and what two versions differ in. */
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import type { Page } from "@/api/types";
import type { HistoryQuery } from "@/app/history";
import { isDecimal, type Decimal } from "@/lib/decimal";
import { parseExactly } from "@/lib/exactJson";

export type RawKind = "orders" | "trades";

type RawOrder = components["schemas"]["RawOrder"];
type RawTrade = components["schemas"]["RawTrade"];

/** A raw row of either kind. */
export interface RawRow extends Omit<RawOrder, "client_order_id" | "raw_json"> {
  raw_json: unknown;
  client_order_id?: RawOrder["client_order_id"];
  exchange_trade_id?: RawTrade["exchange_trade_id"];
}

/** Read a page of raw rows; large numbers stay as the exchange wrote them. */
export async function readRaw(kind: RawKind, query: HistoryQuery): Promise<{ data?: Page<RawRow>; error?: unknown; response: Response }> {
  const options = { params: { query }, parseAs: "text" as const };
  const answer = kind === "orders" ? await api.GET("/ccxt/orders/raw", options) : await api.GET("/ccxt/trades/raw", options);
  const { data, error, response } = answer as { data?: string; error?: unknown; response: Response };
  return data === undefined ? { error, response } : { data: parseExactly(data) as Page<RawRow>, response };
}

/** A field of ccxt's row as text; null: it has none. */
export function fieldOf(row: RawRow, name: string): string | null {
  const fields = row.raw_json;
  if (typeof fields !== "object" || fields === null) return null;
  const value = (fields as Record<string, unknown>)[name];
  if (value === null || value === undefined || value === "") return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A field that is a decimal, to be sorted by. */
export function decimalOf(row: RawRow, name: string): Decimal | null {
  const text = fieldOf(row, name);
  return text !== null && isDecimal(text) ? text : null;
}

/** Whether an id, the symbol or the status of the row contains the text. */
export function matches(row: RawRow, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  const words = [
    row.exchange_order_id,
    row.client_order_id,
    row.exchange_trade_id,
    row.symbol,
    fieldOf(row, "status"),
    String(row.id),
  ];
  return words.some((word) => word?.toLowerCase().includes(wanted));
}

/** The version of the same order before this one, among the rows that are loaded. */
export function versionBefore(rows: readonly RawRow[], row: RawRow): RawRow | null {
  if (row.exchange_order_id === null || row.exchange_trade_id !== undefined) return null;
  let found: RawRow | null = null;
  for (const other of rows) {
    const same = other.account_id === row.account_id && other.exchange_order_id === row.exchange_order_id;
    if (same && other.id < row.id && (found === null || other.id > found.id)) found = other;
  }
  return found;
}

export interface Difference {
  path: string;
  before: string | null;
  after: string | null;
}

function leaves(value: unknown, path: string, found: Map<string, string>): void {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    found.set(path, typeof value === "string" ? value : JSON.stringify(value));
    return;
  }
  for (const [key, item] of Object.entries(value)) leaves(item, path === "" ? key : `${path}.${key}`, found);
}

/** The fields in which two versions differ, by their path. */
export function differencesOf(before: unknown, after: unknown): Difference[] {
  const old = new Map<string, string>();
  const now = new Map<string, string>();
  leaves(before, "", old);
  leaves(after, "", now);
  const paths = [...new Set([...old.keys(), ...now.keys()])].toSorted();
  return paths
    .map((path) => ({ path, before: old.get(path) ?? null, after: now.get(path) ?? null }))
    .filter((one) => one.before !== one.after);
}
