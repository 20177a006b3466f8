/**
 * All pages of the web desk, in the order of the navigation.
 *
 * A page is the file `src/features/<file>.tsx` with a default export. A page whose file does not
 * exist has no route and is not listed, so there are no dead ends; creating the file adds it.
 */
import type { ComponentType } from "react";
import type { Action } from "@/api/types";
import type { IconName } from "@/kit/Icon";
import { loadPageTexts } from "@/locales";
import type { en } from "@/locales/en";

export type SectionName = keyof (typeof en)["shell"]["section"];
export type PageName = keyof (typeof en)["shell"]["page"];

export interface PageEntry {
  name: PageName;
  path: string;
  file: string;
  icon: IconName;
  /** Where it is listed; null: reached from the user menu. */
  section: SectionName | null;
  /** Listed for users who may do one of these. */
  needs: readonly Action[];
  /** Second key of the shortcut `g …`. */
  key?: string;
}

const PAGES: readonly PageEntry[] = [
  { name: "dashboard", path: "/dashboard", file: "dashboard/DashboardPage", icon: "dashboard", section: "trade", needs: ["read"], key: "d" },
  { name: "trade", path: "/trade", file: "trade/TradePage", icon: "trade", section: "trade", needs: ["trade"], key: "t" },
  { name: "chart", path: "/chart", file: "chart/ChartPage", icon: "chart", section: "trade", needs: ["read"], key: "c" },
  { name: "positions", path: "/positions", file: "positions/PositionsPage", icon: "positions", section: "trade", needs: ["read"], key: "p" },
  { name: "orders", path: "/orders", file: "orders/OpenOrdersPage", icon: "orders", section: "trade", needs: ["read"], key: "o" },
  { name: "orderHistory", path: "/orders/history", file: "orders/OrderHistoryPage", icon: "history", section: "analyse", needs: ["read"], key: "h" },
  { name: "deals", path: "/deals", file: "deals/DealsPage", icon: "deals", section: "analyse", needs: ["read"], key: "l" },
  { name: "positionHistory", path: "/positions/history", file: "positions/PositionHistoryPage", icon: "clock", section: "analyse", needs: ["read"] },
  { name: "stats", path: "/stats", file: "stats/StatsPage", icon: "stats", section: "analyse", needs: ["read"] },
  { name: "shareLinks", path: "/share-links", file: "sharing/ShareLinksPage", icon: "external", section: "analyse", needs: ["read"] },
  { name: "symbols", path: "/symbols", file: "symbols/SymbolsPage", icon: "symbols", section: "analyse", needs: ["market"] },
  { name: "backtests", path: "/backtests", file: "backtests/BacktestsPage", icon: "backtests", section: "research", needs: ["read"], key: "b" },
  { name: "bots", path: "/bots", file: "bots/BotsPage", icon: "bots", section: "research", needs: ["read"] },
  { name: "catalog", path: "/catalog", file: "catalog/CatalogPage", icon: "strategies", section: "research", needs: ["read"] },
  { name: "candles", path: "/candles", file: "candles/CandlesPage", icon: "columns", section: "research", needs: ["read"] },
  { name: "signals", path: "/signals", file: "signals/SignalsPage", icon: "signals", section: "signals", needs: ["read"], key: "n" },
  { name: "sources", path: "/signals/sources", file: "signals/SourcesPage", icon: "keys", section: "signals", needs: ["admin"] },
  { name: "alerts", path: "/alerts", file: "alerts/AlertsPage", icon: "clock", section: "signals", needs: ["read"] },
  { name: "sinks", path: "/notifications", file: "notifications/SinksPage", icon: "external", section: "signals", needs: ["admin"] },
  { name: "reassign", path: "/reassign", file: "posttrade/ReassignPage", icon: "reassign", section: "posttrade", needs: ["reassign"] },
  { name: "reconcile", path: "/reconcile", file: "posttrade/ReconcilePage", icon: "reconcile", section: "posttrade", needs: ["read"] },
  { name: "raw", path: "/raw", file: "posttrade/RawPage", icon: "raw", section: "posttrade", needs: ["read"] },
  { name: "risk", path: "/risk", file: "risk/RiskPage", icon: "risk", section: "risk", needs: ["read"], key: "r" },
  { name: "audit", path: "/audit", file: "risk/AuditPage", icon: "history", section: "risk", needs: ["audit"] },
  { name: "accounts", path: "/admin/accounts", file: "admin/AccountsPage", icon: "accounts", section: "admin", needs: ["admin"] },
  { name: "strategies", path: "/strategies", file: "admin/StrategiesPage", icon: "strategies", section: "admin", needs: ["admin", "strategy_create", "risk_switch"] },
  { name: "users", path: "/admin/users", file: "admin/UsersPage", icon: "users", section: "admin", needs: ["admin"] },
  { name: "keys", path: "/admin/keys", file: "admin/KeysPage", icon: "keys", section: "admin", needs: ["admin"] },
  { name: "permissions", path: "/admin/permissions", file: "admin/PermissionsPage", icon: "lock", section: "admin", needs: ["admin"] },
  { name: "sessions", path: "/admin/sessions", file: "admin/SessionsPage", icon: "sessions", section: "admin", needs: ["admin"] },
  { name: "system", path: "/system", file: "admin/SystemPage", icon: "system", section: "admin", needs: ["read"], key: "s" },
  { name: "account", path: "/account", file: "account/AccountPage", icon: "account", section: null, needs: ["self"] },
];

type Loader = () => Promise<{ default: ComponentType }>;

const files = import.meta.glob<{ default: ComponentType }>("../features/*/*Page.tsx");

function loaderOf(entry: PageEntry): Loader | undefined {
  const file = files[`../features/${entry.file}.tsx`];
  if (file === undefined) return undefined;
  return async () => {
    const [page] = await Promise.all([file(), loadPageTexts()]);
    return page;
  };
}

/** The pages that exist, with the function that loads each. */
export const pages: readonly (PageEntry & { load: Loader })[] = PAGES.flatMap((entry) => {
  const load = loaderOf(entry);
  return load === undefined ? [] : [{ ...entry, load }];
});

/** The pages that a user with these actions is offered. */
export function offeredPages(actions: readonly Action[]): typeof pages {
  return pages.filter((entry) => entry.needs.some((action) => actions.includes(action)));
}
