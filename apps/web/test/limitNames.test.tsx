import { renderHook } from "@testing-library/react";
import { beforeAll, expect, it } from "vitest";
import { useLimitName } from "@/app/limitNames";
import { loadPageTexts, startTexts } from "@/locales";

beforeAll(async () => {
  await startTexts();
  await loadPageTexts();
});

it("names limits in words, also those of a kind of market, and keeps keys that it does not know", () => {
  const name = renderHook(useLimitName).result.current;
  expect(name("max_order_notional")).toBe("Largest order value");
  expect(name("max_order_qty.crypto")).toBe("Order size, crypto");
  expect(name("max_order_qty")).toBe("max_order_qty");
  expect(name("max_new_thing")).toBe("max_new_thing");
});
