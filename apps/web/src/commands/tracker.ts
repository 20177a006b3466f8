/**
 * Commands of this page and what became of them.
 *
 * A command is sent once. If the answer is lost its state is `unknown`: the tracker looks for the
 * command by its request id until the gateway says what happened. It is never sent again blindly;
 * `resend` repeats the identical request under the same key, which the gateway executes at most once.
 */
import { ApiError } from "@/api/errors";
import { api, call } from "@/api/client";
import { gatewayTime, session } from "@/api/session";
import type { Command, CommandRequest, CommandResult, CommandStatus, ErrorDetail } from "@/api/types";
import { uuid } from "@/lib/ids";
import { Store } from "@/lib/store";
import { onEvents } from "@/live/live";

export type CommandState = "sending" | "queued" | "sent" | "done" | "rejected" | "unknown";

export interface TrackedCommand {
  /** The request id of the command; its identity on this page. */
  key: string;
  accountId: number;
  /** One sentence that says what the command does, in the user's language. */
  label: string;
  state: CommandState;
  commandId: number | null;
  orderId: number | null;
  error: Partial<ErrorDetail> | null;
  startedAt: number;
  endedAt: number | null;
  /** It was rejected while the sender waited, who shows it. */
  reported: boolean;
  /** The request as sent, and its Idempotency-Key: for `resend`. */
  batch: Batch;
}

interface Batch {
  key: string;
  requests: CommandRequest[];
}

export interface NewCommand {
  account_id: number;
  command: CommandRequest["command"];
  payload: Record<string, unknown>;
  label: string;
}

/** Of those that ended, the newest stay listed; of the others all. */
const KEPT = 200;
/** Most commands end before this; then asking begins. */
const FIRST_LOOK_MS = 500;
const POLL_MS = 2000;
/** A command without a number is looked for from this long before it was sent. */
const LOOK_BACK_MS = 10_000;
const ANSWER_WITHIN_MS = 20_000;
/** How long a dialog waits for the end of its command before it closes; most end sooner. */
const DIALOG_WAIT_MS = 1500;

const STATES: Record<CommandStatus, CommandState> = {
  queued: "queued",
  running: "sent",
  done: "done",
  failed: "rejected",
  refused: "rejected",
  unknown: "unknown",
};

/** The newest first. */
export const commands = new Store<readonly TrackedCommand[]>([]);

export function isEnded(state: CommandState): boolean {
  return state === "done" || state === "rejected";
}

function change(key: string, fields: Partial<TrackedCommand>): void {
  commands.update((list) =>
    list.map((item) => {
      if (item.key !== key || isEnded(item.state)) return item;
      const next = { ...item, ...fields };
      return isEnded(next.state) && next.endedAt === null ? { ...next, endedAt: Date.now() } : next;
    }),
  );
}

function stateOf(key: string): TrackedCommand | undefined {
  return commands.get().find((item) => item.key === key);
}

function applyRow(key: string, row: Command): void {
  change(key, {
    state: STATES[row.status],
    commandId: row.command_id,
    orderId: row.order_id,
    error: row.error,
  });
}

function applyResult(key: string, result: CommandResult, reported: boolean): void {
  const state = result.error !== null && result.status !== "unknown" ? "rejected" : STATES[result.status];
  change(key, {
    state,
    reported: reported && state === "rejected",
    commandId: result.command_id,
    orderId: result.order_id,
    error: result.error,
  });
}

interface Sent {
  keys: string[];
  batch: Batch;
}

function register(list: readonly NewCommand[]): Sent {
  const keys = list.map(() => uuid());
  const requests = list.map(
    ({ account_id, command, payload }, index) =>
      ({ account_id, command, payload, request_id: keys[index] }) as CommandRequest,
  );
  const batch = { key: uuid(), requests };
  const added = list.map(
    ({ account_id, label }, index): TrackedCommand => ({
      key: keys[index] ?? "",
      accountId: account_id,
      label,
      state: "sending",
      commandId: null,
      orderId: null,
      error: null,
      startedAt: Date.now(),
      endedAt: null,
      reported: false,
      batch,
    }),
  );
  commands.update((known) => [...added, ...known].filter((item, index) => index < KEPT || !isEnded(item.state)));
  return { keys, batch };
}

/** Send commands together and follow each to its end. Returns their keys once they are sent. */
export async function sendCommands(list: readonly NewCommand[]): Promise<string[]> {
  const { keys, batch } = register(list);
  await post(batch, keys, 0);
  void follow();
  return keys;
}

/**
 * Send one command for a dialog. Resolves when it is done, on its way or unknown; throws `ApiError`
 * if it was rejected meanwhile. It is followed to its end in any case.
 */
export async function submitCommand(command: NewCommand): Promise<TrackedCommand> {
  const { keys, batch } = register([command]);
  const key = keys[0] ?? "";
  await post(batch, keys, DIALOG_WAIT_MS, true);
  const sent = stateOf(key);
  if (sent === undefined) throw new Error("the command is no longer listed");
  if (sent.state === "rejected") throw new ApiError(409, sent.error ?? {});
  void follow();
  return sent;
}

/** Repeat the identical request of an unknown command under the same key. */
export async function resend(key: string): Promise<void> {
  const item = stateOf(key);
  if (item === undefined || item.state !== "unknown" || item.commandId !== null) return;
  const keys = item.batch.requests.map((request) => request.request_id ?? "");
  await post(item.batch, keys, 0);
  void follow();
}

async function post(batch: Batch, keys: string[], waitMs: number, reported = false): Promise<void> {
  const body = batch.requests.length === 1 && batch.requests[0] ? batch.requests[0] : batch.requests;
  try {
    const { results } = await call(
      api.POST("/oms/commands", {
        params: { query: { wait_ms: waitMs, parallel: true }, header: { "Idempotency-Key": batch.key } },
        body,
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      }),
    );
    for (const result of results) applyResult(keys[result.index] ?? "", result, reported);
  } catch (error) {
    failed(error, keys, reported);
  }
}

function failed(error: unknown, keys: string[], reported: boolean): void {
  const detail: Partial<ErrorDetail> =
    error instanceof ApiError ? error.detail : { code: "network", outcome: "unknown" };
  const results = (detail.results ?? []) as unknown as CommandResult[];
  if (results.length > 0) {
    for (const result of results) applyResult(keys[result.index] ?? "", result, reported);
    return;
  }
  const status = error instanceof ApiError ? error.status : 0;
  const said = detail.outcome === "not_sent" || detail.outcome === "rejected";
  const lost = detail.outcome === "unknown" || (!said && (status === 0 || status >= 500));
  for (const key of keys) change(key, { state: lost ? "unknown" : "rejected", error: detail, reported: reported && !lost });
}

/** Commands that the gateway has, or may have, and that have not ended. */
function followed(): TrackedCommand[] {
  return commands.get().filter((item) => item.state !== "sending" && !isEnded(item.state));
}

let following = false;

/**
 * Ask for all commands that have not ended until they have, one request at a time: a gateway that
 * is slow keeps no connection of the browser busy that something urgent needs.
 */
async function follow(): Promise<void> {
  if (following) return;
  following = true;
  for (let wait = FIRST_LOOK_MS; followed().length > 0; wait = POLL_MS) {
    await pause(wait);
    if (session.get().status !== "active") continue;
    for (const item of followed()) {
      const row = await find(item).catch(() => undefined); // the gateway does not answer yet
      if (row !== undefined) applyRow(item.key, row);
    }
  }
  following = false;
}

async function find(item: TrackedCommand): Promise<Command | undefined> {
  if (item.commandId !== null) {
    const path = { command_id: item.commandId };
    return (await call(api.GET("/oms/commands/{command_id}", { params: { path } }))) as Command;
  }
  const query = {
    account_ids: String(item.accountId),
    since: new Date(gatewayTime(item.startedAt) - LOOK_BACK_MS).toISOString(),
    sort: "asc" as const,
    page_size: 500,
    with_total: false,
  };
  const { items } = await call(api.GET("/oms/commands", { params: { query } }));
  return (items as Command[]).find((row) => row.request_id === item.key);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

let owner: number | null = null;

/** The list belongs to one user: it ends when another one logs in. */
function keepOwn(): void {
  const state = session.get();
  const user = state.status === "active" ? state.me.user.user_id : null;
  if (state.status === "anonymous" && !state.expired) commands.set([]);
  if (user === null) return;
  if (owner !== null && owner !== user) commands.set([]);
  owner = user;
}

/** Follow commands by the live stream too. Called once. */
export function startCommands(): void {
  session.subscribe(keepOwn);
  onEvents(["command_updated"], (frame) => {
    const { command_id, request_id, status, error } = frame.payload as Partial<Command>;
    const item = commands.get().find((command) => command.commandId === command_id || command.key === request_id);
    // While the request is on its way, its answer reports the same to the dialog that waits for it.
    if (item === undefined || item.state === "sending" || status === undefined || command_id === undefined) return;
    change(item.key, { commandId: command_id, state: STATES[status], error: error ?? item.error });
  });
}
