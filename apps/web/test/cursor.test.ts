import { expect, it } from "vitest";
import { Cursor } from "@/live/cursor";

it("applies events in order, once, and notices a missing one", () => {
  const cursor = new Cursor();
  cursor.reset(1, 10);
  expect(cursor.accept(1, 11, 10)).toBe("apply");
  expect(cursor.accept(1, 11, 10)).toBe("repeat");
  expect(cursor.accept(1, 14, 11)).toBe("apply"); // numbers between were filtered out
  expect(cursor.accept(1, 20, 18)).toBe("gap");
  expect(cursor.resume([1, 2])).toEqual({ "1": 14 });
});

it("resumes only accounts that are named", () => {
  const cursor = new Cursor();
  cursor.reset(1, 5);
  cursor.reset(2, 7);
  cursor.forget(1);
  expect(cursor.resume([1, 2])).toEqual({ "2": 7 });
});
