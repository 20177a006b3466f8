/**
 * The connection to `/ws`: authenticated by the session's cookie, resumed by event number.
 *
 * After any interruption it connects again and subscribes from the last number of each account, so
 * that no event is lost or applied twice. Accounts without a number get a snapshot.
 */
import { Cursor } from "@/live/cursor";
import { isStored, readFrame, type Frame } from "@/live/frames";
import { Store } from "@/lib/store";

export type ConnectionStatus = "idle" | "connecting" | "live" | "late" | "offline";

export interface Connection {
  status: ConnectionStatus;
  /** Milliseconds since the gateway's last message, while `late`. */
  silentMs: number;
  /** No worker has sent the gateway a heartbeat for some seconds: commands wait. */
  workerSilent: boolean;
  /** Accounts whose snapshot arrived. */
  ready: ReadonlySet<number>;
}

const IDLE: Connection = { status: "idle", silentMs: 0, workerSilent: false, ready: new Set() };

/** The candles of a symbol at the exchange of an account. */
export interface CandleChannel {
  account_id: number;
  symbol: string;
  timeframe: string;
}

export interface SocketOptions {
  url: () => string;
  onFrame: (frame: Frame) => void;
  onSessionEnded: () => void;
  connect?: (url: string) => WebSocket;
}

/** The account of the gateway's own stream. */
const GATEWAY = 0;
const NAMESPACES = ["position", "command", "risk", "market", "signal", "bot", "research"];
const HEARTBEAT_MS = 2000;
/** The one that forms, and the one before it. */
const CANDLES = 2;
const CANDLES_POLL_MS = 2000;
const LATE_AFTER_MS = 5000;
/** With the interval of heartbeats, the page says within 6 s that no worker answers. */
const WORKER_SILENT_AFTER_MS = 3000;
const DEAD_AFTER_MS = 15_000;
const RETRY_MS = [250, 500, 1000, 2000, 5000];
/** The session, its key or its rights ended: connecting again is for after a new look at them. */
const ENDED = new Set([1008, 4401, 4403]);

export class LiveSocket {
  readonly connection = new Store<Connection>(IDLE);
  private readonly cursor = new Cursor();
  private readonly options: SocketOptions;
  private accounts: ReadonlySet<number> = new Set();
  private channel: CandleChannel | null = null;
  private socket: WebSocket | null = null;
  /** Between a subscription and its reply: stored events still belong to the one before. */
  private waiting = false;
  private lastSign = 0;
  private attempts = 0;
  private watch: ReturnType<typeof setInterval> | null = null;
  private retry: ReturnType<typeof setTimeout> | null = null;

  constructor(options: SocketOptions) {
    this.options = options;
  }

  /** Follow these accounts; connects if necessary. */
  follow(accounts: ReadonlySet<number>): void {
    for (const known of this.accounts) {
      if (accounts.has(known)) continue;
      this.cursor.forget(known);
      this.unready(known);
    }
    this.accounts = accounts;
    if (accounts.size === 0) this.stop();
    else if (this.socket === null) this.open();
    else if (this.socket.readyState === WebSocket.OPEN) this.subscribe();
  }

  /** Get the newest candles of this channel as `ohlcv_updated`, and of no other; null: of none. */
  followCandles(channel: CandleChannel | null): void {
    const before = this.channel;
    this.channel = channel;
    if (this.socket?.readyState !== WebSocket.OPEN) return; // asked for once it is
    if (before !== null) this.askMarket("unsubscribe_market", before);
    if (channel !== null) this.askMarket("subscribe_market", channel);
  }

  private askMarket(action: "subscribe_market" | "unsubscribe_market", { timeframe, ...channel }: CandleChannel): void {
    const more = action === "subscribe_market" ? { timeframe, limit: CANDLES, poll_interval_ms: CANDLES_POLL_MS } : {};
    const payload = { ...channel, channels: ["ohlcv"], ...more };
    this.socket?.send(JSON.stringify({ id: "market", namespace: "ccxt", action, payload }));
  }

  stop(): void {
    if (this.retry !== null) clearTimeout(this.retry);
    if (this.watch !== null) clearInterval(this.watch);
    this.retry = this.watch = null;
    const socket = this.socket;
    this.socket = null;
    socket?.close(1000);
    this.connection.set(IDLE);
  }

  /** Connect at once, without waiting for the next attempt. */
  reconnect(): void {
    if (this.retry !== null) clearTimeout(this.retry);
    this.retry = null;
    if (this.socket === null && this.accounts.size > 0) this.open();
  }

  private open(): void {
    const connect = this.options.connect ?? ((url: string) => new WebSocket(url));
    const socket = connect(this.options.url());
    this.socket = socket;
    this.status(this.attempts === 0 ? "connecting" : "offline");
    this.lastSign = Date.now();
    this.watch ??= setInterval(() => this.look(), 1000);
    socket.addEventListener("open", () => {
      if (this.socket !== socket) return;
      this.subscribe();
      if (this.channel !== null) this.askMarket("subscribe_market", this.channel);
    });
    socket.addEventListener("message", (message) => {
      if (this.socket === socket) this.receive(message.data);
    });
    socket.addEventListener("close", (event) => {
      if (this.socket === socket) this.closed(event.code);
    });
  }

  private closed(code: number): void {
    this.socket = null;
    if (ENDED.has(code)) {
      this.stop();
      this.options.onSessionEnded();
      return;
    }
    this.status("offline");
    const wait = RETRY_MS[Math.min(this.attempts, RETRY_MS.length - 1)] ?? 5000;
    this.attempts += 1;
    this.retry = setTimeout(() => this.open(), wait * (0.8 + Math.random() * 0.4));
  }

  private subscribe(): void {
    this.waiting = true;
    this.cursor.forget(GATEWAY); // never resumed
    const frame = {
      id: "subscribe",
      namespace: "system",
      action: "subscribe",
      payload: {
        account_ids: [...this.accounts],
        namespaces: NAMESPACES,
        from_seq: this.cursor.resume(this.accounts),
        refresh: false,
        marks: true,
        heartbeat_ms: HEARTBEAT_MS,
      },
    };
    this.socket?.send(JSON.stringify(frame));
  }

  private receive(data: unknown): void {
    const frame = readFrame(data);
    if (frame === null) return;
    this.lastSign = Date.now();
    if (frame.event === "error" && frame.id === "subscribe") return this.refused(frame);
    if (frame.event === "subscribed") this.subscribed();
    if (frame.event === "heartbeat") this.heartbeat(frame);
    if (frame.action === "snapshot" && !this.snapshot(frame)) return;
    if (isStored(frame)) {
      if (this.waiting || !this.isFollowed(frame.account_id)) return;
      const verdict = this.cursor.accept(frame.account_id, frame.seq, frame.prev_seq);
      if (verdict === "gap") return this.subscribe();
      if (verdict === "repeat") return;
    }
    this.options.onFrame(frame);
  }

  private subscribed(): void {
    this.attempts = 0;
    this.waiting = false;
    const resumed = Object.keys(this.cursor.resume(this.accounts)).map(Number);
    this.connection.update((now) => ({
      ...now,
      status: "live",
      silentMs: 0,
      ready: new Set([...now.ready, ...resumed]),
    }));
  }

  private heartbeat(frame: Frame): void {
    const age = frame.payload["worker_age_ms"];
    const workerSilent = age === null || (typeof age === "number" && age > WORKER_SILENT_AFTER_MS);
    this.connection.update((now) => (now.workerSilent === workerSilent ? now : { ...now, workerSilent }));
  }

  /** Without a subscription nothing is live: connect again, and start from snapshots. */
  private refused(frame: Frame): void {
    const code = frame.payload["code"];
    const socket = this.socket;
    for (const account of this.accounts) this.cursor.forget(account);
    this.closed(code === "not_authenticated" || code === "permission_denied" ? 4403 : 4400);
    socket?.close();
  }

  /** Whether a frame of the account is for this page: one on its way while the accounts changed is not. */
  private isFollowed(account: number): boolean {
    return account === GATEWAY || this.accounts.has(account);
  }

  /** Returns whether the rows are to be shown. */
  private snapshot(frame: Frame): boolean {
    const account = frame.payload["account_id"];
    const seq = frame.payload["seq"];
    if (typeof account !== "number" || typeof seq !== "number") return true;
    if (!this.isFollowed(account)) return false;
    this.cursor.reset(account, seq);
    // The second and last of the pair.
    if (frame.event === "snapshot_open_positions") {
      this.connection.update((now) => ({ ...now, ready: new Set([...now.ready, account]) }));
    }
    return true;
  }

  private unready(account: number): void {
    this.connection.update((now) => {
      const ready = new Set(now.ready);
      return ready.delete(account) ? { ...now, ready } : now;
    });
  }

  private look(): void {
    if (this.socket === null || this.socket.readyState !== WebSocket.OPEN) return;
    const silentMs = Date.now() - this.lastSign;
    if (silentMs > DEAD_AFTER_MS) {
      const socket = this.socket;
      this.closed(4408);
      socket.close();
      return;
    }
    const { status } = this.connection.get();
    if (silentMs > LATE_AFTER_MS) this.connection.update((now) => ({ ...now, status: "late", silentMs }));
    else if (status === "late") this.status("live");
  }

  private status(status: ConnectionStatus): void {
    this.connection.update((now) => (now.status === status ? now : { ...now, status, silentMs: 0 }));
  }
}
