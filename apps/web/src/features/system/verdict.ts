import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type Dispatcher = Schemas["Dispatcher"];
export type Worker = Schemas["LiveWorker"];

/** What needs attention; the names are keys of the texts. */
export type Warning = "degraded" | "noWorker" | "workerLate" | "outboxLate" | "ordersUnknown" | "calendar";

const HEARTBEAT_S_MAX = 10;
const OUTBOX_MS_MAX = 2000;

/** Everything about the gateway that is not as it should be. */
export function warningsOf(health: "ok" | "degraded", status: Dispatcher): Warning[] {
  const found: [Warning, boolean][] = [
    ["degraded", health === "degraded"],
    ["noWorker", status.workers.length === 0],
    ["workerLate", status.workers.some((worker) => worker.heartbeat_age_s > HEARTBEAT_S_MAX)],
    ["outboxLate", status.outbox_lag_ms > OUTBOX_MS_MAX],
    ["ordersUnknown", status.orders_unknown > 0],
    ["calendar", status.workers.some((worker) => worker.calendar !== null && worker.calendar !== "ok")],
  ];
  return found.filter(([, is]) => is).map(([name]) => name);
}

type Counts = Record<string, Record<string, number>>;

/** A worker with the commands that wait for it and that it executes. */
export interface WorkerRow extends Worker {
  id: number;
  waiting: number;
  running: number;
}

function countOf(counts: Counts, worker: string): number {
  return Object.values(counts).reduce((total, byWorker) => total + (byWorker[worker] ?? 0), 0);
}

export function workerRows(status: Dispatcher): WorkerRow[] {
  return status.workers.map((worker, index) => ({
    ...worker,
    id: index + 1,
    waiting: countOf(status.worker_queue_depth as Counts, worker.worker_id),
    running: countOf(status.worker_inflight as Counts, worker.worker_id),
  }));
}
