import { first } from "@/locales/en/first";
import candles from "@/locales/en/candles";
import catalog from "@/locales/en/catalog";
import codes from "@/locales/en/codes";
import lists from "@/locales/en/lists";
import positions from "@/locales/en/positions";
import dashboard from "@/locales/en/dashboard";
import trade from "@/locales/en/trade";
import orders from "@/locales/en/orders";
import deals from "@/locales/en/deals";
import symbols from "@/locales/en/symbols";
import posttrade from "@/locales/en/posttrade";
import raw from "@/locales/en/raw";
import reassign from "@/locales/en/reassign";
import risk from "@/locales/en/risk";
import limits from "@/locales/en/limits";
import admin from "@/locales/en/admin";
import account from "@/locales/en/account";
import users from "@/locales/en/users";
import permissions from "@/locales/en/permissions";
import accounts from "@/locales/en/accounts";
import strategies from "@/locales/en/strategies";
import signals from "@/locales/en/signals";
import stats from "@/locales/en/stats";
import alerts from "@/locales/en/alerts";
import notifications from "@/locales/en/notifications";
import sharing from "@/locales/en/sharing";
import chart from "@/locales/en/chart";
import research from "@/locales/en/research";

/** English: the texts that define the keys. */
export const en = {
  ...first,
  candles,
  catalog,
  codes,
  lists,
  positions,
  dashboard,
  trade,
  orders,
  deals,
  symbols,
  posttrade,
  raw,
  reassign,
  risk,
  limits,
  admin,
  account,
  users,
  permissions,
  accounts,
  strategies,
  signals,
  stats,
  alerts,
  notifications,
  sharing,
  chart,
  research,
};
