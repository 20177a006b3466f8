/** Orders that the gateway refused: by a limit, a switch or a block. */
import { api } from "@/api/client";
import type { Order, Page } from "@/api/types";
import type { HistoryRequest } from "@/app/HistoryGrid";

type LimitCheck = NonNullable<Order["risk_detail"]>["limits"][number];

interface Answer {
  data?: Page<Order>;
  response: Response;
}

/** The limit that refused the order; undefined: it was no limit. */
export function failedLimit(order: Pick<Order, "risk_detail">): LimitCheck | undefined {
  return order.risk_detail?.limits.find((limit) => !limit.passed);
}

/** The next rejected orders that the gateway refused; pages with refusals of exchanges alone are passed over. */
export async function readRefusedByGateway(
  query: HistoryRequest,
  read: (query: HistoryRequest) => Promise<Answer> = readRejected,
): Promise<Answer> {
  let { cursor } = query;
  for (;;) {
    const answer = await read({ ...query, cursor });
    if (answer.data === undefined) return answer;
    const items = answer.data.items.filter((order) => order.reject_source === "oms");
    const next = answer.data.next_cursor;
    if (items.length > 0 || next === null) return { ...answer, data: { ...answer.data, items } };
    cursor = next;
  }
}

function readRejected(query: HistoryRequest): Promise<Answer> {
  return api.GET("/oms/orders/history", { params: { query: { ...query, status: "REJECTED" } } }) as Promise<Answer>;
}
