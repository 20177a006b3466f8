import common from "@/locales/es/common";
import shell from "@/locales/es/shell";
import errors from "@/locales/es/errors";
import auth from "@/locales/es/auth";
import candles from "@/locales/es/candles";
import catalog from "@/locales/es/catalog";
import codes from "@/locales/es/codes";
import lists from "@/locales/es/lists";
import positions from "@/locales/es/positions";
import dashboard from "@/locales/es/dashboard";
import trade from "@/locales/es/trade";
import orders from "@/locales/es/orders";
import deals from "@/locales/es/deals";
import symbols from "@/locales/es/symbols";
import posttrade from "@/locales/es/posttrade";
import raw from "@/locales/es/raw";
import reassign from "@/locales/es/reassign";
import risk from "@/locales/es/risk";
import limits from "@/locales/es/limits";
import admin from "@/locales/es/admin";
import account from "@/locales/es/account";
import users from "@/locales/es/users";
import permissions from "@/locales/es/permissions";
import accounts from "@/locales/es/accounts";
import strategies from "@/locales/es/strategies";
import signals from "@/locales/es/signals";
import stats from "@/locales/es/stats";
import alerts from "@/locales/es/alerts";
import notifications from "@/locales/es/notifications";
import sharing from "@/locales/es/sharing";
import chart from "@/locales/es/chart";
import research from "@/locales/es/research";
import type { en } from "@/locales/en";
import type { Same } from "@/locales/same";

export const texts: Same<typeof en> = {
  common,
  shell,
  errors,
  auth,
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
