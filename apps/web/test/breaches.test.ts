import { expect, it, vi } from "vitest";
import type { Order, Page } from "@/api/types";
import type { HistoryRequest } from "@/app/HistoryGrid";
import { failedLimit, readRefusedByGateway } from "@/features/risk/breaches";

const QUERY: HistoryRequest = {
  account_ids: "1",
  start_date: "2026-02-25",
  end_date: "2026-02-25",
  tz: "UTC",
  cursor: "",
  sort: "desc",
  page_size: 2,
  with_total: false,
};

function page(sources: readonly Order["reject_source"][], next: string | null) {
  const items = sources.map((reject_source, id) => ({ id, reject_source }) as Order);
  const data: Page<Order> = { items, total: null, page: null, page_size: null, next_cursor: next };
  return { data, response: new Response() };
}

it("passes over pages that have refusals of exchanges alone, and keeps the cursor of the last one", async () => {
  const read = vi
    .fn<(query: HistoryRequest) => Promise<ReturnType<typeof page>>>()
    .mockResolvedValueOnce(page(["exchange", "exchange"], "b"))
    .mockResolvedValueOnce(page(["exchange", "oms"], "c"));
  const answer = await readRefusedByGateway(QUERY, read);
  expect(read.mock.calls.map(([query]) => query.cursor)).toEqual(["", "b"]);
  expect(answer.data?.items.map((order) => order.id)).toEqual([1]);
  expect(answer.data?.next_cursor).toBe("c");
});

it("ends with the last page, and hands errors on", async () => {
  expect((await readRefusedByGateway(QUERY, () => Promise.resolve(page(["exchange"], null)))).data?.items).toEqual([]);
  const refused = { response: new Response(null, { status: 403 }) };
  expect(await readRefusedByGateway(QUERY, () => Promise.resolve(refused))).toBe(refused);
});

it("names the limit that did not pass", () => {
  const check = { scope: "account", scope_id: 1, value: "2" } as const;
  const limits = [
    { ...check, key: "max_open_positions", limit: "5", passed: true },
    { ...check, key: "max_order_notional", limit: "1", passed: false },
  ];
  expect(failedLimit({ risk_detail: { price: "1", limits } })?.key).toBe("max_order_notional");
  expect(failedLimit({ risk_detail: null })).toBeUndefined();
});
