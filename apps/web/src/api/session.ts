/** The browser's session: who is logged in, until when, and the confirmation that some changes need. */
import { ApiError } from "@/api/errors";
import { abortReads, request, setCsrfToken, setHooks } from "@/api/client";
import type { Me } from "@/api/types";
import { Store } from "@/lib/store";

export type SessionState =
  | { status: "checking" }
  | { status: "unreachable"; error: ApiError }
  /** `expired`: a session of this page ended; the login page says so. */
  | { status: "anonymous"; expired: boolean }
  | { status: "active"; me: Me }
  /** The log-out is on its way: no page is shown, so nothing is asked with the old session. */
  | { status: "leaving" };

export type Credentials =
  | { mode: "password"; user_name: string; password: string; api_key_id?: number }
  | { mode: "api_key"; api_key: string };

/** What the user types to confirm: the password, or the same API key. */
export type Confirmation = { password: string } | { api_key: string };

const TOUCH_EVERY_MS = 60_000;

export const session = new Store<SessionState>({ status: "checking" });

/** The open question of a confirmation, if any: the dialog answers it. */
export const confirmation = new Store<{ answer: (confirmed: boolean) => void } | null>(null);

let clockAheadMs = 0;

/** A time of this machine's clock as the gateway's clock has it, as the last answer gave it. */
export function gatewayTime(milliseconds: number): number {
  return milliseconds - clockAheadMs;
}

function accept(me: Me): void {
  setCsrfToken(me.csrf_token);
  clockAheadMs = Date.now() - Date.parse(me.server.server_time);
  session.set({ status: "active", me });
}

function forget(expired: boolean): void {
  setCsrfToken(null);
  confirmation.get()?.answer(false);
  session.set({ status: "anonymous", expired });
}

/** Ask who is logged in; used at the start and after a change of rights. */
export async function loadSession(): Promise<void> {
  try {
    accept(await request<Me>("GET", "/auth/me"));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) return forget(session.get().status === "active");
    if (session.get().status !== "active") session.set({ status: "unreachable", error });
  }
}

/** Log in. Throws `ApiError`; what was typed is kept nowhere. */
export async function login(credentials: Credentials): Promise<void> {
  accept(await request<Me>("POST", "/auth/session", credentials));
}

/** Log out; `everywhere` ends all tokens and sessions of the user. Throws `ApiError`: the session goes on. */
export async function logout(everywhere = false): Promise<void> {
  const before = session.get();
  session.set({ status: "leaving" });
  abortReads();
  try {
    await request("POST", everywhere ? "/auth/logout?all=true" : "/auth/logout");
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) {
      session.set(before);
      throw error;
    }
  }
  forget(false);
}

/** Use another API key of the same user. */
export async function changeKey(apiKeyId: number): Promise<void> {
  accept(await request<Me>("PATCH", "/auth/session", { api_key_id: apiKeyId }));
}

/** Confirm the session for five minutes. Throws `ApiError`. */
export async function confirmSession(typed: Confirmation): Promise<void> {
  await request("POST", "/auth/session/confirm", typed);
}

/** Ask for a confirmation; all requests that wait share one dialog. */
let pending: Promise<boolean> | null = null;
function askConfirmation(): Promise<boolean> {
  pending ??= new Promise<boolean>((resolve) => {
    confirmation.set({
      answer: (confirmed) => {
        confirmation.set(null);
        pending = null;
        resolve(confirmed);
      },
    });
  });
  return pending;
}

let touchedAt = 0;

/** Extend the session after input of a person, at most once a minute. */
export function touch(now = Date.now()): void {
  const state = session.get();
  if (state.status !== "active" || state.me.session === null) return;
  if (now - touchedAt < TOUCH_EVERY_MS) return;
  touchedAt = now;
  request<{ idle_ends_at: string; ends_at: string }>("POST", "/auth/session/touch").then(
    ({ idle_ends_at, ends_at }) =>
      session.update((current) =>
        current.status === "active" && current.me.session !== null
          ? {
              status: "active",
              me: { ...current.me, session: { ...current.me.session, idle_ends_at, ends_at } },
            }
          : current,
      ),
    () => (touchedAt = 0), // the next request says why
  );
}

/** Connect the session with the client and with the person's input. Called once. */
export function startSession(): void {
  setHooks({
    onSessionEnded: () => {
      if (session.get().status === "active") forget(true);
    },
    confirm: askConfirmation,
  });
  for (const input of ["pointerdown", "keydown"]) {
    globalThis.addEventListener(input, () => touch(), { passive: true });
  }
  void loadSession();
}
