/** Rows of the ledger as markers, segments and levels of the chart. */
import type { Deal, Order, Position } from "@/api/types";
import type { ChartLevel, ChartMarker, ChartSegment } from "@/charts/candles/scene";
import type { Signal } from "@/features/chart/reads";
import { sign } from "@/lib/decimal";

/** Where an order or deal came from, such as `api`; the filter of the page. */
export function sourcesOf(deals: readonly Deal[], orders: readonly Order[]): string[] {
  return [...new Set([...deals.map((deal) => deal.reason), ...orders.map((order) => order.reason)])].toSorted();
}

export function dealMarkers(deals: readonly Deal[], source: string | null, words: (deal: Deal) => string): ChartMarker[] {
  return deals
    // Funding is booked as a deal without quantity.
    .filter((deal) => sign(deal.qty) !== 0 && (source === null || deal.reason === source))
    .map((deal) => {
      const at = Date.parse(deal.executed_at);
      const isBuy = deal.side === "buy";
      return {
        id: `deal ${deal.id}`,
        at,
        knownAt: at + 1,
        place: isBuy ? "below" : "above",
        shape: isBuy ? "arrowUp" : "arrowDown",
        colour: isBuy ? "candle-up" : "candle-down",
        text: words(deal),
      };
    });
}

export function orderMarkers(orders: readonly Order[], source: string | null, words: (order: Order) => string): ChartMarker[] {
  return orders
    .filter((order) => source === null || order.reason === source)
    .map((order) => {
      const at = Date.parse(order.created_at);
      return {
        id: `order ${order.id}`,
        at,
        knownAt: at + 1,
        place: order.side === "buy" ? "below" : "above",
        shape: "circle",
        colour: "muted",
        text: words(order),
      };
    });
}

export function signalMarkers(signals: readonly Signal[], words: (signal: Signal) => string): ChartMarker[] {
  return signals.map((signal) => {
    const at = Date.parse(signal.received_at);
    return {
      id: `signal ${signal.signal_id}`,
      at,
      knownAt: at,
      place: signal.action === "sell" ? "above" : "below",
      shape: "square",
      colour: signal.status === "done" ? "purple" : "muted",
      text: words(signal),
    };
  });
}

/** Closed positions from entry to exit in the colour of their result, and open ones. */
export function positionSegments(closed: readonly Position[], open: readonly Position[]): ChartSegment[] {
  const openSegments = open.map((position): ChartSegment => ({
    id: `position ${position.id}`,
    from: { at: Date.parse(position.opened_at), price: Number(position.avg_price) },
    to: null,
    colour: "muted",
  }));
  const closedSegments = closed.flatMap((position): ChartSegment[] => {
    if (position.closed_at === null || position.close_price === null) return [];
    const result = sign(position.realized_pnl);
    return [
      {
        id: `position ${position.id}`,
        from: { at: Date.parse(position.opened_at), price: Number(position.avg_price) },
        to: { at: Date.parse(position.closed_at), price: Number(position.close_price) },
        colour: result === 0 ? "muted" : result > 0 ? "candle-up" : "candle-down",
      },
    ];
  });
  return [...closedSegments, ...openSegments];
}

/** What a level stands for, and which command moves it. */
export type LevelTarget =
  | { kind: "stop_loss" | "stop_gain"; position: Position }
  | { kind: "entry"; position: Position }
  | { kind: "order"; order: Order };

export interface TargetLevel extends ChartLevel {
  target: LevelTarget;
}

type Words = (target: LevelTarget) => string;

/** Entry, stop and target of open positions, and limit prices of open orders. */
export function levelsOf(
  positions: readonly Position[],
  orders: readonly Order[],
  mayMove: (accountId: number) => boolean,
  words: Words,
): TargetLevel[] {
  const level = (id: string, price: string | null, colour: string, moves: boolean, target: LevelTarget): TargetLevel[] =>
    price === null ? [] : [{ id, price, colour, moves, label: words(target), target }];
  return [
    ...positions.flatMap((position) => {
      const moves = mayMove(position.account_id);
      return [
        ...level(`entry ${position.id}`, position.avg_price, "accent", false, { kind: "entry", position }),
        ...level(`stop ${position.id}`, position.stop_loss, "down", moves, { kind: "stop_loss", position }),
        ...level(`gain ${position.id}`, position.stop_gain, "up", moves, { kind: "stop_gain", position }),
      ];
    }),
    ...orders.flatMap((order) => level(`order ${order.id}`, order.price, "warn", mayMove(order.account_id), { kind: "order", order })),
  ];
}
