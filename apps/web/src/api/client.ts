/**
 * The typed client of the gateway's HTTP API.
 *
 * Every changing request carries the CSRF token of the session, kept in memory alone, and an
 * `Idempotency-Key`. After `confirmation_required` the user confirms, and the same request is
 * sent again. An answer of 401 ends the session of the page.
 */
import createClient from "openapi-fetch";
import type { paths } from "@/api/schema";
import { ApiError, errorOf, networkError } from "@/api/errors";
import { uuid } from "@/lib/ids";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
/** Routes that take no `Idempotency-Key`, and whose 401 is about what was typed, not the session. */
const LOGIN = new Set(["/auth/session", "/auth/session/confirm"]);

export interface Hooks {
  /** Called when the gateway no longer knows the session. */
  onSessionEnded: () => void;
  /** Asks the user to confirm the session; resolves to false if the user declined. */
  confirm: () => Promise<boolean>;
}

/** Requests that change nothing although they are no GET. */
const PREVIEWS = new Set(["/oms/commands/preview", "/risk/check"]);

let csrfToken: string | null = null;
let reads = new AbortController();
let hooks: Hooks = { onSessionEnded: () => undefined, confirm: () => Promise.resolve(false) };

/** Set the CSRF token of the session; null forgets it. */
export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Abort all reads that wait for an answer; their callers get an `AbortError`. */
export function abortReads(): void {
  reads.abort();
  reads = new AbortController();
}

export function setHooks(next: Hooks): void {
  hooks = next;
}

function prepared(request: Request): Request {
  if (SAFE.has(request.method)) return request;
  if (csrfToken !== null) request.headers.set("x-csrf-token", csrfToken);
  const path = new URL(request.url).pathname;
  if (!LOGIN.has(path) && !request.headers.has("idempotency-key")) {
    request.headers.set("idempotency-key", uuid());
  }
  return request;
}

async function isConfirmationRequired(response: Response): Promise<boolean> {
  if (response.status !== 403) return false;
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  return errorOf(response, body).code === "confirmation_required";
}

/** `fetch` with what every request of the page carries. Throws `ApiError` when no answer arrived. */
export async function gatewayFetch(input: Request): Promise<Response> {
  const request = prepared(input);
  const again = request.clone();
  const response = await send(request);
  if (response.status === 401 && !LOGIN.has(new URL(input.url).pathname)) hooks.onSessionEnded();
  if (await isConfirmationRequired(response)) {
    if (await hooks.confirm()) return send(prepared(again));
  }
  return response;
}

async function send(request: Request): Promise<Response> {
  const isRead = SAFE.has(request.method) || PREVIEWS.has(new URL(request.url).pathname);
  try {
    return await fetch(request, isRead ? { signal: AbortSignal.any([request.signal, reads.signal]) } : {});
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw networkError(cause);
  }
}

/** The client: `call(api.GET("/oms/deals", { params: { query: … } }))`. */
export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "",
  fetch: gatewayFetch,
  credentials: "same-origin",
  querySerializer: { array: { style: "form", explode: false } },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of an answer. Throws `ApiError` for a status of 400 or above. */
export async function call<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw errorOf(response, error);
  if (data === undefined) throw new ApiError(response.status, { code: "invalid_answer" });
  return data;
}

/** A request by path, for routes that the generated types do not describe. */
export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, credentials: "same-origin" };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "content-type": "application/json" };
  }
  const response = await gatewayFetch(new Request(new URL(path, globalThis.location.origin), init));
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw errorOf(response, answer);
  return answer as T;
}
