import { describe, expect, it } from "vitest";
import { partRows } from "@/features/system/health";
import { warningsOf, workerRows, type Dispatcher, type Worker } from "@/features/system/verdict";

const WORKER: Worker = { worker_id: "w1", host: "a", heartbeat_age_s: 0.2, accounts: 2, stop_watch_age_s: null, calendar: null, loop_restarts: {} };

function status(change: Partial<Dispatcher>): Dispatcher {
  return { workers: [WORKER], outbox_lag_ms: 0, orders_unknown: 0, worker_queue_depth: {}, worker_inflight: {}, ...change } as Dispatcher;
}

describe("the state of the gateway", () => {
  it("is good without warnings", () => {
    expect(warningsOf("ok", status({}))).toEqual([]);
  });

  it.each([
    ["noWorker", { workers: [] }],
    ["workerLate", { workers: [{ ...WORKER, heartbeat_age_s: 11 }] }],
    ["outboxLate", { outbox_lag_ms: 2001 }],
    ["ordersUnknown", { orders_unknown: 1 }],
    ["calendar", { workers: [{ ...WORKER, calendar: "missing" as const }] }],
  ])("warns of %s", (warning, change) => {
    expect(warningsOf("ok", status(change))).toEqual([warning]);
  });

  it("warns of a degraded database", () => {
    expect(warningsOf("degraded", status({}))).toEqual(["degraded"]);
  });

  it("counts the commands of a worker over all exchanges", () => {
    const rows = workerRows(status({ worker_queue_depth: { paper: { w1: 2 }, ccxt: { w1: 1, w2: 9 } }, worker_inflight: { ccxt: { w1: 4 } } }));
    expect(rows).toMatchObject([{ id: 1, waiting: 3, running: 4 }]);
  });
});

it("gives each part of the gateway its unit; a word has none", () => {
  const at = "2026-01-01T00:00:00.000000Z";
  const part = { ok: true, value: 0.5, limit: 10, at };
  const parts = new Proxy({}, { get: (_, name) => (name === "calendar" ? { ...part, value: "missing", ok: false, limit: null } : part) });
  const rows = partRows(parts as never);
  expect(rows[0]).toEqual({ id: 1, name: "database", ok: true, value: "0.5", limit: "10", unit: "ms", at });
  expect(rows.at(-1)).toMatchObject({ name: "calendar", ok: false, value: "missing", limit: null, unit: null });
});
