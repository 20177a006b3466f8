import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Frame } from "@/live/frames";
import { LiveSocket } from "@/live/socket";

/** A WebSocket whose frames the test writes. */
class FakeSocket extends EventTarget {
  readyState: number = WebSocket.CONNECTING;
  readonly sent: { payload: { from_seq: Record<string, number>; account_ids: number[] } }[] = [];

  send(text: string): void {
    this.sent.push(JSON.parse(text) as (typeof this.sent)[number]);
  }

  close(): void {
    this.readyState = WebSocket.CLOSED;
  }

  open(): void {
    this.readyState = WebSocket.OPEN;
    this.dispatchEvent(new Event("open"));
  }

  drop(code: number): void {
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }

  receive(frame: object): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify({ ok: true, payload: {}, ...frame }) }));
  }
}

const sockets: FakeSocket[] = [];
const frames: Frame[] = [];
const ended = vi.fn();

function start(): LiveSocket {
  const live = new LiveSocket({
    url: () => "ws://localhost/ws",
    onFrame: (frame) => frames.push(frame),
    onSessionEnded: ended,
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
  });
  live.follow(new Set([1]));
  return live;
}

function last(): FakeSocket {
  const socket = sockets.at(-1);
  if (socket === undefined) throw new Error("no connection");
  return socket;
}

const event = (seq: number, prev_seq: number) => ({
  type: "ws_event",
  event: "order_updated",
  account_id: 1,
  seq,
  prev_seq,
  event_id: seq,
});

function connected(): void {
  last().open();
  last().receive({ event: "subscribed" });
  for (const name of ["snapshot_open_orders", "snapshot_open_positions"]) {
    last().receive({ event: name, action: "snapshot", payload: { account_id: 1, items: [], seq: 10 } });
  }
}

const seen = () => frames.filter((frame) => frame.event === "order_updated").map((frame) => frame.seq);

beforeEach(() => {
  vi.useFakeTimers();
  sockets.length = 0;
  frames.length = 0;
});

afterEach(() => vi.useRealTimers());

it("resumes from the last number after a drop, without gap or double", () => {
  const live = start();
  connected();
  expect(live.connection.get().ready.has(1)).toBe(true);
  last().receive(event(11, 10));
  last().drop(1006);
  expect(live.connection.get().status).toBe("offline");
  vi.advanceTimersByTime(1000);
  expect(sockets).toHaveLength(2);
  last().open();
  expect(last().sent[0]?.payload.from_seq).toEqual({ "1": 11 });
  last().receive({ event: "subscribed" });
  last().receive(event(11, 10));
  last().receive(event(12, 11));
  expect(seen()).toEqual([11, 12]);
  expect(live.connection.get().status).toBe("live");
});

it("subscribes again from the last number when one is missing", () => {
  start();
  connected();
  last().receive(event(13, 12));
  expect(seen()).toEqual([]);
  expect(last().sent).toHaveLength(2);
  expect(last().sent[1]?.payload.from_seq).toEqual({ "1": 10 });
  last().receive(event(14, 13)); // of the subscription before
  last().receive({ event: "subscribed" });
  for (const seq of [11, 12, 13, 14]) last().receive(event(seq, seq - 1));
  expect(seen()).toEqual([11, 12, 13, 14]);
});

it("stops when the session ended, and does not connect again by itself", () => {
  const live = start();
  connected();
  last().drop(4401);
  vi.advanceTimersByTime(60_000);
  expect(ended).toHaveBeenCalledTimes(1);
  expect(sockets).toHaveLength(1);
  expect(live.connection.get().status).toBe("idle");
});

it("connects again after a refused subscription, which would drop all events", () => {
  const live = start();
  connected();
  last().receive(event(13, 12));
  last().receive({ event: "error", id: "subscribe", payload: { code: "validation_error" } });
  expect(live.connection.get().status).toBe("offline");
  vi.advanceTimersByTime(1000);
  connected();
  expect(last().sent[0]?.payload.from_seq).toEqual({});
  expect(live.connection.get().status).toBe("live");
  last().receive(event(11, 10));
  expect(seen()).toEqual([11]);
});

it("ends when the subscription is refused for its rights", () => {
  const live = start();
  last().open();
  last().receive({ event: "error", id: "subscribe", payload: { code: "permission_denied" } });
  expect(ended).toHaveBeenCalled();
  expect(live.connection.get().status).toBe("idle");
});

it("shows nothing of accounts that are no longer followed", () => {
  const live = start();
  live.follow(new Set([1, 2]));
  connected();
  live.follow(new Set([2]));
  last().receive({ event: "subscribed" });
  frames.length = 0;
  last().receive(event(11, 10));
  last().receive({ event: "snapshot_open_orders", action: "snapshot", payload: { account_id: 1, items: [], seq: 12 } });
  expect(frames).toEqual([]);
});

it("says that the feed is late, and connects again when nothing comes any more", () => {
  const live = start();
  connected();
  vi.advanceTimersByTime(7000);
  expect(live.connection.get().status).toBe("late");
  last().receive({ event: "heartbeat" });
  vi.advanceTimersByTime(1000);
  expect(live.connection.get().status).toBe("live");
  vi.advanceTimersByTime(17_000);
  expect(sockets.length).toBeGreaterThan(1);
});

it("says that no worker answers by the heartbeats, until one does", () => {
  const live = start();
  connected();
  const beat = (payload: object) => {
    last().receive({ event: "heartbeat", payload });
    return live.connection.get().workerSilent;
  };
  expect(beat({ worker_age_ms: 400 })).toBe(false);
  expect(beat({ worker_age_ms: 3001 })).toBe(true);
  expect(live.connection.get().status).toBe("live");
  expect(beat({ worker_age_ms: 20 })).toBe(false);
  expect(beat({ worker_age_ms: null })).toBe(true);
  expect(beat({})).toBe(false); // a gateway that does not say
});

it("follows one series of candles, on each connection again", () => {
  const live = start();
  const channel = { account_id: 1, symbol: "BTC/USDT", timeframe: "1h" };
  live.followCandles(channel);
  connected();
  const market = () => last().sent.slice(1) as unknown as { action: string; payload: Record<string, unknown> }[];
  expect(market().map((frame) => frame.action)).toEqual(["subscribe_market"]);
  expect(market()[0]?.payload).toMatchObject({ ...channel, channels: ["ohlcv"] });
  last().drop(1006);
  vi.advanceTimersByTime(1000);
  connected();
  expect(market()).toHaveLength(1);
  live.followCandles({ ...channel, timeframe: "1d" });
  live.followCandles(null);
  expect(market().map((frame) => [frame.action, frame.payload["timeframe"] ?? null])).toEqual([
    ["subscribe_market", "1h"],
    ["unsubscribe_market", null],
    ["subscribe_market", "1d"],
    ["unsubscribe_market", null],
  ]);
});
