import type { ErrorDetail } from "@/api/types";

/** A refusal or failure of the gateway, or of the way to it. */
export class ApiError extends Error {
  readonly status: number;
  /** The stable code; `network` if no answer arrived, `invalid_answer` if it was no JSON. */
  readonly code: string;
  readonly requestId: string | null;
  readonly reason: string | null;
  /** What happened at the exchange; `unknown` means: sent or perhaps sent. */
  readonly outcome: "not_sent" | "rejected" | "unknown" | null;
  readonly retryAfterSeconds: number | null;
  readonly detail: Partial<ErrorDetail>;

  constructor(status: number, detail: Partial<ErrorDetail>, retryAfterSeconds: number | null = null) {
    super(detail.message ?? detail.code ?? `HTTP ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.code = detail.code ?? "invalid_answer";
    this.requestId = detail.request_id ?? null;
    this.reason = detail.reason ?? null;
    this.outcome = detail.outcome ?? null;
    this.retryAfterSeconds = retryAfterSeconds;
    this.detail = detail;
  }
}

/** The error for a request that got no answer: what became of it is not known. */
export function networkError(cause: unknown): ApiError {
  const message = cause instanceof Error ? cause.message : "no answer";
  return new ApiError(0, { code: "network", message, outcome: "unknown" });
}

/** The error that an answer with a status of 400 or above means. */
export function errorOf(response: Response, body: unknown): ApiError {
  const detail =
    typeof body === "object" && body !== null && "detail" in body ? (body.detail as Partial<ErrorDetail>) : {};
  const wait = response.headers.get("retry-after");
  const seconds = wait === null ? null : Number.parseInt(wait, 10);
  const requestId = detail.request_id ?? response.headers.get("x-request-id") ?? undefined;
  return new ApiError(
    response.status,
    requestId === undefined ? detail : { ...detail, request_id: requestId },
    seconds === null || Number.isNaN(seconds) ? null : seconds,
  );
}
