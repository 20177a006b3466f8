/** The parts of `GET /health` and the tasks of the runner as rows. */
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
type Parts = Schemas["HealthParts"];
export type PartName = keyof Parts;
type RunnerTask = Schemas["RunnerTask"];

/** What a part is measured in; null: its value is a word. */
export type Unit = "ms" | "s" | "count" | null;

const UNITS: Record<PartName, Unit> = {
  database: "ms",
  worker: "s",
  worker_loops: "count",
  queue: "count",
  queue_age: "s",
  streams: "s",
  price_feed: "s",
  stop_watcher: "s",
  outbox: "s",
  runner: "s",
  sinks: "s",
  candles: "s",
  bots: "s",
  audit_mirror: "count",
  replica: "s",
  calendar: null,
};

export interface PartRow {
  id: number;
  name: PartName;
  ok: boolean;
  value: string | null;
  limit: string | null;
  unit: Unit;
  at: string;
}

export type TaskRow = RunnerTask & { id: number };

function textOf(value: number | string | null): string | null {
  return value === null ? null : String(value);
}

/** The parts in the order of this list; one of a newer gateway that has no name here is left out. */
export function partRows(parts: Parts): PartRow[] {
  return (Object.keys(UNITS) as PartName[]).map((name, index) => {
    const { ok, value, limit, at } = parts[name];
    const unit = typeof value === "string" ? null : UNITS[name];
    return { id: index + 1, name, ok, value: textOf(value), limit: textOf(limit), unit, at };
  });
}

export function taskRows(tasks: readonly RunnerTask[]): TaskRow[] {
  return tasks.map((task, index) => ({ ...task, id: index + 1 }));
}
