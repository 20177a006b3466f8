import { expect, test } from "vitest";
import { session } from "@/api/session";
import type { Me } from "@/api/types";
import { preferences, readPreferences, setPreference, startPreferences } from "@/lib/preferences";

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
    indicatorSets: { rsi: "rsi.14.blue.2", hma: 3 },
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
    indicatorSets: { rsi: "rsi.14.blue.2" },
    grids: {
      positions: { hidden: ["age"], sort: { id: "pnl", desc: true }, group: null },
      orders: { hidden: [], sort: null, group: null },
      deals: { hidden: [], sort: null, group: null },
    },
  });
});

test("saved views are kept as far as they are understood", () => {
  const { views } = readPreferences({
    views: {
      deals: [{ name: "mine", filters: { symbol: "BTC", page: 2 }, group: "day", hidden: ["fee"] }, { name: "" }, "x"],
      orders: "all",
    },
  });
  expect(views).toEqual({
    deals: [{ name: "mine", filters: { symbol: "BTC" }, group: "day", hidden: ["fee"], sort: null }],
    orders: [],
  });
});

function logIn(user_id: number, stored: object): void {
  session.set({ status: "active", me: { user: { user_id }, preferences: stored } as Me });
}

test("a user who logs in after another in the same browser gets the looks, and no habits or comments", () => {
  startPreferences();
  logIn(1, {});
  setPreference("theme", "dark");
  setPreference("oneClick", true);
  setPreference("comments", ["what only I know"]);
  session.set({ status: "anonymous", expired: false });
  logIn(1, {});
  expect(preferences.get()).toMatchObject({ theme: "dark", oneClick: true });
  session.set({ status: "anonymous", expired: false });
  logIn(2, { density: "compact" });
  expect(preferences.get()).toMatchObject({ theme: "dark", density: "compact", oneClick: false, comments: [] });
  expect(localStorage.getItem("oms.preferences")).not.toContain("what only I know");
});

function logInAgain(userId: number, stored: object): void {
  session.set({ status: "anonymous", expired: false });
  logIn(userId, stored);
}

test("a change that the profile does not have yet outlives a reload, and no other user", () => {
  startPreferences();
  logInAgain(3, { dockHeight: 200 });
  expect(preferences.get().dockHeight).toBe(200);
  setPreference("dockHeight", 300);
  logInAgain(3, { dockHeight: 200 });
  expect(preferences.get().dockHeight).toBe(300);
  logInAgain(4, {});
  logInAgain(3, { dockHeight: 200 });
  expect(preferences.get().dockHeight).toBe(200);
});
