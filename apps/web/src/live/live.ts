/** The live state of the page: open orders and positions of the accounts in scope, and all events. */
import { loadSession, session } from "@/api/session";
import type { Order, Position } from "@/api/types";
import { type Frame, type MarksPayload, type OrdersSnapshot, type PositionsSnapshot } from "@/live/frames";
import { RowStore } from "@/live/rows";
import { LiveSocket } from "@/live/socket";

export const openOrders = new RowStore<Order>();
export const openPositions = new RowStore<Position>();

const FINAL_ORDER = new Set<string>(["FILLED", "CANCELED", "EXPIRED", "REJECTED"]);

type EventListener = (frame: Frame) => void;
const listeners = new Map<string, Set<EventListener>>();

/** Call `listener` for each event of these names. Returns the function that ends it. */
export function onEvents(names: readonly string[], listener: EventListener): () => void {
  for (const name of names) {
    const found = listeners.get(name) ?? new Set();
    listeners.set(name, found.add(listener));
  }
  return () => {
    for (const name of names) listeners.get(name)?.delete(listener);
  };
}

const all = new Set<EventListener>();

/** Call `listener` for each frame. Returns the function that ends it. */
export function onEveryFrame(listener: EventListener): () => void {
  all.add(listener);
  return () => all.delete(listener);
}

/** The row with the marks known so far, where the row itself carries none. */
function withMarks(row: Position, known: Position | undefined): Position {
  if (known === undefined) return row;
  return {
    ...known,
    ...row,
    mark_price: row.mark_price ?? known.mark_price,
    mark_at: row.mark_at ?? known.mark_at,
    unrealized_pnl: row.unrealized_pnl ?? known.unrealized_pnl,
  };
}

function apply(frame: Frame): void {
  switch (frame.event) {
    case "snapshot_open_orders": {
      const { account_id, items } = frame.payload as unknown as OrdersSnapshot;
      openOrders.replaceAccount(account_id, items);
      break;
    }
    case "snapshot_open_positions": {
      const { account_id, items } = frame.payload as unknown as PositionsSnapshot;
      openPositions.replaceAccount(account_id, items);
      break;
    }
    case "order_updated": {
      const order = frame.payload as unknown as Order;
      if (FINAL_ORDER.has(order.state)) openOrders.remove(order.id);
      else openOrders.put(order);
      break;
    }
    case "position_updated": {
      const position = frame.payload as unknown as Position;
      if (position.state === "closed") openPositions.remove(position.id);
      else openPositions.put(withMarks(position, openPositions.get(position.id)));
      break;
    }
    case "order_deleted":
      openOrders.remove(Number(frame.payload["order_id"]));
      break;
    case "position_deleted":
      openPositions.remove(Number(frame.payload["position_id"]));
      break;
    case "positions_marked": {
      const { marks } = frame.payload as unknown as MarksPayload;
      for (const { position_id, account_id: _account, ...fields } of marks) openPositions.patchLater(position_id, fields);
      break;
    }
    default:
  }
}

function onFrame(frame: Frame): void {
  apply(frame);
  for (const listener of listeners.get(frame.event) ?? []) listener(frame);
  for (const listener of all) listener(frame);
}

function url(): string {
  const { protocol, host } = globalThis.location;
  return `${protocol === "https:" ? "wss" : "ws"}://${host}/ws`;
}

const CONNECT_AGAIN_MS = 5000;

/** The connection was ended for its rights: look at them, and connect again if a session is left. */
async function rightsChanged(): Promise<void> {
  await loadSession();
  setTimeout(() => {
    if (session.get().status === "active") liveSocket.reconnect();
  }, CONNECT_AGAIN_MS);
}

export const liveSocket = new LiveSocket({ url, onFrame, onSessionEnded: () => void rightsChanged() });

/** Follow these accounts, and no others. */
export function follow(accounts: ReadonlySet<number>): void {
  openOrders.keepAccounts(accounts);
  openPositions.keepAccounts(accounts);
  liveSocket.follow(accounts);
}

/** End the connection with the session. Called once. */
export function startLive(): void {
  session.subscribe(() => {
    const { status } = session.get();
    if (status === "leaving" || status === "anonymous") follow(new Set());
  });
  // Accounts became unreadable: the session says which are left, and with it the scope.
  onEvents(["access_removed"], () => void loadSession());
  globalThis.addEventListener("online", () => liveSocket.reconnect());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) liveSocket.reconnect();
  });
}
