import { expect, test } from "vitest";
import { readPreferences } from "@/lib/preferences";

test("preferences that are understood are kept, the others get their defaults", () => {
  const defaults = readPreferences({});
  expect(defaults).toMatchObject({ language: null, theme: "system", zone: "utc", dockHeight: 260, grids: {} });
  expect(readPreferences(null)).toEqual(defaults);
  expect(readPreferences(["dark"])).toEqual(defaults);
  expect(readPreferences(readPreferences({ theme: "dark" })).theme).toBe("dark");
  const kept = readPreferences({
    language: "es",
    theme: "blue",
    dockHeight: "300",
    oneClick: 1,
    comments: ["moved the stop", 2],
    favourites: ["BTC/USDT"],
    unknown: true,
    grids: {
      positions: { hidden: ["age"], sort: { id: "pnl", desc: true } },
      orders: { hidden: "age", sort: { id: "pnl" } },
      deals: null,
    },
  });
  expect(kept).toEqual({
    ...defaults,
    language: "es",
    favourites: ["BTC/USDT"],
    grids: {
      positions: { hidden: ["age"], sort: { id: "pnl", desc: true } },
      orders: { hidden: [], sort: null },
      deals: { hidden: [], sort: null },
    },
  });
});
