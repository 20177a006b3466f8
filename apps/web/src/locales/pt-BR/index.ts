import common from "@/locales/pt-BR/common";
import shell from "@/locales/pt-BR/shell";
import errors from "@/locales/pt-BR/errors";
import auth from "@/locales/pt-BR/auth";
import candles from "@/locales/pt-BR/candles";
import catalog from "@/locales/pt-BR/catalog";
import codes from "@/locales/pt-BR/codes";
import lists from "@/locales/pt-BR/lists";
import positions from "@/locales/pt-BR/positions";
import dashboard from "@/locales/pt-BR/dashboard";
import trade from "@/locales/pt-BR/trade";
import orders from "@/locales/pt-BR/orders";
import deals from "@/locales/pt-BR/deals";
import symbols from "@/locales/pt-BR/symbols";
import posttrade from "@/locales/pt-BR/posttrade";
import raw from "@/locales/pt-BR/raw";
import reassign from "@/locales/pt-BR/reassign";
import risk from "@/locales/pt-BR/risk";
import limits from "@/locales/pt-BR/limits";
import admin from "@/locales/pt-BR/admin";
import account from "@/locales/pt-BR/account";
import users from "@/locales/pt-BR/users";
import permissions from "@/locales/pt-BR/permissions";
import accounts from "@/locales/pt-BR/accounts";
import strategies from "@/locales/pt-BR/strategies";
import signals from "@/locales/pt-BR/signals";
import stats from "@/locales/pt-BR/stats";
import alerts from "@/locales/pt-BR/alerts";
import notifications from "@/locales/pt-BR/notifications";
import sharing from "@/locales/pt-BR/sharing";
import chart from "@/locales/pt-BR/chart";
import research from "@/locales/pt-BR/research";
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
