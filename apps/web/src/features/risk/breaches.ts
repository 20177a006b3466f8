/** Orders that the gateway refused: by a limit, a switch or a block. */
import { api } from "@/api/client";
import type { Order } from "@/api/types";
import { readMatching, type ReadPage } from "@/app/history";
import type { HistoryRequest } from "@/app/HistoryGrid";

type LimitCheck = NonNullable<Order["risk_detail"]>["limits"][number];

/** The limit that refused the order; undefined: it was no limit. */
export function failedLimit(order: Pick<Order, "risk_detail">): LimitCheck | undefined {
  return order.risk_detail?.limits.find((limit) => !limit.passed);
}

/** The next rejected orders that the gateway refused. */
export function readRefusedByGateway(query: HistoryRequest, read: ReadPage<Order> = readRejected) {
  return readMatching(query, read, (order) => order.reject_source === "oms");
}

const readRejected: ReadPage<Order> = (query) => {
  return api.GET("/oms/orders/history", { params: { query: { ...query, status: "REJECTED" } } }) as ReturnType<ReadPage<Order>>;
};
