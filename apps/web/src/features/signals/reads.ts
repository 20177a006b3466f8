/** Signals of alert senders, and the sources that say what becomes of them. */
import { useQuery } from "@tanstack/react-query";
import { api, call, gatewayFetch } from "@/api/client";
import { errorOf } from "@/api/errors";
import type { components } from "@/api/schema";
import type { Page } from "@/api/types";
import type { HistoryRequest } from "@/app/HistoryGrid";
import { startOfDay, type Zone } from "@/lib/time";

type Schemas = components["schemas"];

/** A signal as the list shows it: on one account. */
export type Signal = Schemas["Signal"] & { id: number };
export type SignalDetail = Schemas["SignalDetail"];
export type Source = Schemas["SignalSource"] & { id: number };
export type Trial = Schemas["SignalTrial"];
/** The kinds that senders post. */
export type Kind = Exclude<Source["kind"], "strategy">;
export type SizingKind = Schemas["SizingFields"]["kind"];

/** Path token and secret of a source, which are shown once. */
export interface Credentials {
  source: Schemas["SignalSource"];
  path_token: string | null;
  secret: string | null;
}

const DAY_MS = 86_400_000;

/** The signals of the days of `query`, which are counted in `zone`. */
export async function readSignals(
  { start_date, end_date, tz: _tz, ...query }: HistoryRequest,
  zone: Zone,
): Promise<{ data?: Page<Signal>; error?: unknown; response: Response }> {
  const end = new Date(Date.parse(`${end_date}T12:00:00Z`) + DAY_MS).toISOString().slice(0, 10);
  const period = { since: startOfDay(start_date, zone).toISOString(), until: startOfDay(end, zone).toISOString() };
  const { data, error, response } = await api.GET("/signals", { params: { query: { ...query, ...period } } });
  if (data === undefined) return { error, response };
  const items = data.items.map((row) => ({ ...row, id: row.signal_id }));
  return { data: { ...data, items }, response };
}

export function useSignal(id: number) {
  return useQuery({
    queryKey: ["signals", id],
    queryFn: () => call(api.GET("/signals/{signal_id}", { params: { path: { signal_id: id } } })),
  });
}

export const SOURCES_QUERY = ["signals", "sources"] as const;

/** All sources; only an administrator reads them. */
export function useSources(enabled = true) {
  return useQuery({
    queryKey: SOURCES_QUERY,
    queryFn: async (): Promise<Source[]> =>
      (await call(api.GET("/signals/sources"))).items.map((row) => ({ ...row, id: row.source_id })),
    enabled,
  });
}

export interface SourceDraft {
  name: string;
  kind: Kind;
  account_id: number;
  strategy_id: number;
  generate_secret: boolean;
  sizing: Schemas["SizingFields"];
  tp_pct: string;
  sl_pct: string;
  comment: string;
}

/** Create a source; no later answer has its credentials. Throws `ApiError`. */
export function createSource({ comment, ...draft }: SourceDraft): Promise<Credentials> {
  return call(api.POST("/signals/sources", { body: comment === "" ? draft : { ...draft, comment } }));
}

/** Renew what is named; the old ones count for `keepSeconds` longer. Throws `ApiError`. */
export function rotateSource(
  source: Source,
  which: { path_token: boolean; secret: boolean },
  keepSeconds: number,
  comment: string,
): Promise<Credentials> {
  const body = { ...which, keep_seconds: keepSeconds, ...(comment === "" ? {} : { comment }) };
  return call(api.POST("/signals/sources/{source_id}/rotate", { params: { path: { source_id: source.id } }, body }));
}

/** Take signals of a source, or refuse them. Throws `ApiError`. */
export async function setSourceStatus(source: Source, status: Source["status"], comment: string): Promise<void> {
  const body = { status, ...(comment === "" ? {} : { comment }) };
  await call(api.PATCH("/signals/sources/{source_id}", { params: { path: { source_id: source.id } }, body }));
}

/**
 * What a source makes of a body, a JSON object as text: its numbers are sent as they were typed.
 * Nothing is stored. Throws `ApiError` with the reason of a refusal.
 */
export async function tryBody(source: Source, text: string): Promise<Trial> {
  const url = new URL(`/signals/sources/${source.id}/test`, globalThis.location.origin);
  const headers = { "content-type": "application/json" };
  const response = await gatewayFetch(
    new Request(url, { method: "POST", credentials: "same-origin", headers, body: `{"body":${text}}` }),
  );
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw errorOf(response, answer);
  return answer as Trial;
}
