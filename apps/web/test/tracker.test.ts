import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { session } from "@/api/session";
import type { Me } from "@/api/types";
import { commands, sendCommands, startCommands, submitCommand, type NewCommand } from "@/commands/tracker";

const CLOSE: NewCommand = { account_id: 1, command: "close_position", payload: { position_id: 7 }, label: "Close 7" };

type Answer = (request: Request, body: { request_id: string }[]) => Response | Promise<Response>;

let answer: Answer = () => json(500, {});
let asked: string[] = [];

function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
}

function result(fields: object) {
  return { index: 0, ok: true, command_id: 5, order_id: null, status: "queued", error: null, ...fields };
}

function row(request_id: string, fields: object) {
  return { request_id, command_id: 5, order_id: null, status: "queued", error: null, ...fields };
}

function logIn(userId: number): void {
  session.set({ status: "active", me: { user: { user_id: userId } } as Me });
}

const states = () => commands.get().map((item) => item.state);

startCommands();

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const url = new URL(request.url);
    asked.push(`${request.method} ${url.pathname}`);
    const text = request.method === "POST" ? await request.clone().text() : "[]";
    return answer(request, [JSON.parse(text)].flat() as { request_id: string }[]);
  });
  logIn(1);
});

afterEach(async () => {
  commands.set([]);
  await vi.advanceTimersByTimeAsync(5000); // nothing is followed any more
  vi.useRealTimers();
});

it("looks for a command whose answer was lost, and follows it to its end", async () => {
  let status = "queued";
  let key = "";
  answer = (request, body) => {
    if (request.method === "GET") {
      const found = row(key, { status });
      return json(200, request.url.includes("/oms/commands/5") ? found : { items: [found] });
    }
    key = body[0]?.request_id ?? "";
    throw new TypeError("connection lost");
  };
  await submitCommand(CLOSE);
  expect(states()).toEqual(["unknown"]);
  await vi.advanceTimersByTimeAsync(600);
  expect(states()).toEqual(["queued"]);
  status = "done";
  await vi.advanceTimersByTimeAsync(2100);
  expect(states()).toEqual(["done"]);
});

it("does not count a rejection as shown that comes after the dialog has closed", async () => {
  const error = { code: "exchange_rejected", message: "no" };
  answer = (request) =>
    request.method === "POST" ? json(200, { results: [result({})] }) : json(200, row("", { status: "failed", error }));
  await submitCommand(CLOSE);
  await vi.advanceTimersByTimeAsync(600);
  expect(commands.get()[0]).toMatchObject({ state: "rejected", reported: false });
});

it("shows a rejection within the answer to the dialog alone", async () => {
  const error = { code: "risk_blocked", message: "no" };
  answer = () => json(200, { results: [result({ ok: false, status: "refused", error })] });
  await expect(submitCommand(CLOSE)).rejects.toMatchObject({ code: "risk_blocked" });
  expect(commands.get()[0]).toMatchObject({ state: "rejected", reported: true });
});

it("takes a refusal before anything was sent as such, and a failure that says nothing as unknown", async () => {
  answer = () => json(503, { detail: { code: "engine_unavailable", outcome: "not_sent" } });
  await expect(submitCommand(CLOSE)).rejects.toMatchObject({ code: "engine_unavailable" });
  answer = () => json(500, { detail: { code: "internal_error" } });
  await submitCommand(CLOSE);
  expect(states()).toEqual(["unknown", "rejected"]);
});

it("lists every command that has not ended, and asks for one at a time", async () => {
  let open = 0;
  let most = 0;
  answer = async (request, body) => {
    if (request.method === "POST") {
      return json(200, { results: body.map((_one, index) => result({ index, command_id: index + 1 })) });
    }
    most = Math.max(most, ++open);
    await Promise.resolve();
    open -= 1;
    return json(200, row("", { status: "queued", command_id: Number(request.url.split("/").at(-1)) }));
  };
  await sendCommands(Array.from({ length: 300 }, () => CLOSE));
  await vi.advanceTimersByTimeAsync(600);
  expect(states()).toHaveLength(300);
  expect(new Set(asked)).toContain("GET /oms/commands/300");
  expect(most).toBe(1);
});

it("forgets the list of a user who logs out, and keeps it when the session of the same user ended", async () => {
  answer = () => json(200, { results: [result({ status: "done" })] });
  await submitCommand(CLOSE);
  session.set({ status: "anonymous", expired: true });
  logIn(1);
  expect(states()).toEqual(["done"]);
  session.set({ status: "anonymous", expired: true });
  logIn(2);
  expect(states()).toEqual([]);
  await submitCommand(CLOSE);
  session.set({ status: "anonymous", expired: false });
  expect(states()).toEqual([]);
});
