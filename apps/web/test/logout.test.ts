import { afterEach, expect, test, vi } from "vitest";
import { request } from "@/api/client";
import { logout, session } from "@/api/session";
import type { Me } from "@/api/types";

const me = {
  csrf_token: "t",
  server: { server_time: new Date().toISOString() },
  user: { user_id: 1 },
  preferences: {},
} as Me;

afterEach(() => vi.unstubAllGlobals());

/** A gateway that answers only the log-out, with this status; reads wait until they are aborted. */
function gateway(status: number): string[] {
  const seen: string[] = [];
  vi.stubGlobal("fetch", (sent: Request, init?: RequestInit) => {
    const path = new URL(sent.url).pathname;
    seen.push(`${session.get().status} ${path}`);
    if (path === "/auth/logout") return Promise.resolve(new Response("{}", { status }));
    return new Promise((_, reject) => {
      init?.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    });
  });
  session.set({ status: "active", me });
  return seen;
}

test("a log-out leaves the pages and ends their reads before it is sent", async () => {
  const seen = gateway(200);
  const read = request("GET", "/oms/deals");
  const preview = request("POST", "/oms/commands/preview", {});
  const ended = Promise.allSettled([read, preview]);
  await logout();
  expect((await ended).map((one) => one.status)).toEqual(["rejected", "rejected"]);
  expect(seen.at(-1)).toBe("leaving /auth/logout");
  expect(session.get()).toEqual({ status: "anonymous", expired: false });
});

test("a session that had ended is left, and one that could not be ended goes on", async () => {
  gateway(401);
  await logout();
  expect(session.get().status).toBe("anonymous");
  gateway(503);
  await expect(logout()).rejects.toThrow();
  expect(session.get()).toEqual({ status: "active", me });
});
