import { expect, it } from "vitest";
import { RowStore } from "@/live/rows";

it("marks a row that came by an event for some seconds, and none of a snapshot", () => {
  const store = new RowStore<{ id: number; account_id: number }>();
  store.replaceAccount(1, [{ id: 1, account_id: 1 }]);
  store.put({ id: 1, account_id: 1 });
  store.put({ id: 2, account_id: 1 });
  const now = Date.now();
  expect([1, 2].map((id) => store.isNew(id, now))).toEqual([false, true]);
  expect(store.isNew(2, now + 11_000)).toBe(false);
  store.replaceAccount(1, [{ id: 2, account_id: 1 }]);
  expect(store.isNew(2, now)).toBe(false);
});
