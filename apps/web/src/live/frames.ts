/** Frames of the gateway's WebSocket. */
import type { Order, Position } from "@/api/types";

/** An event with its account's number: part of the stream without gaps. */
export interface StoredFrame {
  type: "ws_event";
  namespace: string;
  event: string;
  payload: Record<string, unknown>;
  event_id: number;
  account_id: number;
  seq: number;
  prev_seq: number;
  ts: string;
}

export interface Frame {
  id: unknown;
  ok: boolean;
  type: "ws_event" | "ws_response";
  namespace?: string;
  action?: string;
  event: string;
  payload: Record<string, unknown>;
  account_id?: number;
  seq?: number;
  prev_seq?: number;
  event_id?: number;
  ts?: string;
}

export interface SnapshotPayload<Row> {
  account_id: number;
  items: Row[];
  seq?: number;
}

export type OrdersSnapshot = SnapshotPayload<Order>;
export type PositionsSnapshot = SnapshotPayload<Position>;

export interface Mark {
  account_id: number;
  position_id: number;
  mark_price: string | null;
  unrealized_pnl: string | null;
}

export interface MarksPayload {
  account_id: number;
  marks: Mark[];
}

/** The frame of a message, or null if the text is no frame. */
export function readFrame(text: unknown): Frame | null {
  if (typeof text !== "string") return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "event" in value ? (value as Frame) : null;
  } catch {
    return null;
  }
}

export function isStored(frame: Frame): frame is Frame & StoredFrame {
  return typeof frame.seq === "number" && typeof frame.account_id === "number";
}
