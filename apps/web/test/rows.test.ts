import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { heldOrder, ShownOrder } from "@/kit/grid/order";
import { RowStore } from "@/live/rows";

interface Row {
  id: number;
  account_id: number;
  price: string;
}

const row = (id: number, price = "1", account_id = 1): Row => ({ id, account_id, price });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "requestAnimationFrame"] });
});

afterEach(() => {
  vi.useRealTimers();
});

function frame(): void {
  vi.advanceTimersByTime(17);
}

it("paints a patched row in the next frame once, and renders at most once a second", () => {
  const store = new RowStore<Row>();
  store.put(row(1));
  store.put(row(2));
  frame();
  const painted = vi.fn();
  const rendered = vi.fn();
  store.subscribeRow(1, painted);
  store.subscribe(rendered);
  for (const price of ["2", "3", "4"]) store.patch(1, { price });
  expect(painted).not.toHaveBeenCalled();
  frame();
  expect(painted).toHaveBeenCalledTimes(1);
  expect(store.get(1)?.price).toBe("4");
  expect(rendered).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1000);
  expect(rendered).toHaveBeenCalledTimes(1);
  expect(store.rows().find((item) => item.id === 1)?.price).toBe("4");
});

it("replaces the rows of one account by a snapshot and keeps the others", () => {
  const store = new RowStore<Row>();
  store.put(row(1, "1", 1));
  store.put(row(2, "1", 2));
  store.replaceAccount(1, [row(3, "1", 1)]);
  frame();
  expect(store.rows().map((item) => item.id).toSorted()).toEqual([2, 3]);
  store.keepAccounts(new Set([1]));
  frame();
  expect(store.rows().map((item) => item.id)).toEqual([3]);
});

it("gives a row its newest fields when it is looked at, else once a second", () => {
  const store = new RowStore<Row>();
  for (const id of [1, 2, 3]) store.put(row(id));
  frame();
  const painted = vi.fn(() => store.get(1));
  store.subscribeRow(1, painted);
  for (const price of ["2", "3"]) for (const id of [1, 2, 3, 4]) store.patchLater(id, { price });
  frame();
  expect(painted).toHaveReturnedWith(row(1, "3"));
  expect(painted).toHaveBeenCalledTimes(1);
  store.remove(3);
  vi.advanceTimersByTime(1100);
  expect(store.rows()).toEqual([row(1, "3"), row(2, "3")]);
  store.patchLater(1, { price: "4" });
  store.replaceAccount(1, [row(1, "5")]);
  frame();
  expect(store.get(1)?.price).toBe("5");
});

it("does not move a row while the order is held", () => {
  expect(heldOrder([3, 1, 2], [1, 2, 4])).toEqual([1, 2, 4]);
  const order = new ShownOrder();
  order.next([row(2), row(1)], false);
  const held = order.next([row(1, "9"), row(3), row(2)], true);
  expect(held.map((item) => item.id)).toEqual([2, 1, 3]);
  expect(held[1]?.price).toBe("9");
});
