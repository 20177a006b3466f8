/** Rows and answers of the gateway, by the names that the screens use. */
import type { components } from "@/api/schema";
import type { Decimal } from "@/lib/decimal";

type Schemas = components["schemas"];

export type Order = Schemas["Order"];
export type Deal = Schemas["Deal"];
export type Position = Schemas["MarkedPosition"];
export type Account = Schemas["Account"];
export type Strategy = Schemas["Strategy"];
export type Command = Schemas["Command"];
export type CommandResult = Schemas["CommandResult"];
export type CommandStatus = Command["status"];
export type CommandRequest = Schemas["CommandRequest"];
export type Preview = Schemas["Preview"];
export type PreviewResult = Schemas["PreviewResult"];
export type KillSwitch = Schemas["KillSwitch"];
export type ErrorDetail = Schemas["ErrorDetail"];
export type Environment = Account["environment"];
export type Side = Order["side"];

/** A page of a list: rows, and the cursor of the next page. */
export interface Page<Row> {
  items: Row[];
  total: number | null;
  page: number | null;
  page_size: number | null;
  next_cursor: string | null;
}

/** The rows of the table of roles that a user may. */
export type Action =
  | "self"
  | "read"
  | "market"
  | "trade"
  | "cancel"
  | "close"
  | "ccxt_trade"
  | "ccxt_allowed"
  | "reconcile"
  | "reassign"
  | "strategy_create"
  | "risk_switch"
  | "risk_block"
  | "kill_on"
  | "kill_off"
  | "paper"
  | "automate"
  | "research"
  | "admin"
  | "audit";

export interface AccountAccess {
  account_id: number;
  label: string;
  environment: Environment;
  can_read: boolean;
  can_trade: boolean;
  can_close_position: boolean;
  can_risk_manage: boolean;
  can_block_new_positions: boolean;
  can_block_account: boolean;
  restrict_to_strategies: boolean;
  strategy_ids: number[];
}

export interface BrowserSession {
  session_id: number;
  mode: "password" | "api_key";
  created_at: string;
  idle_ends_at: string;
  ends_at: string;
  confirmed_until: string | null;
}

export type Role = "admin" | "trader" | "portfolio_manager" | "robot" | "risk" | "readonly";

/** `GET /auth/me`: who is logged in and what to draw. Every route decides by itself. */
export interface Me {
  ok: boolean;
  auth: "session" | "key" | "token";
  user: { user_id: number; user_name: string; role: Role };
  api_key: {
    api_key_id: number;
    label: string | null;
    key_prefix: string | null;
    restrictions: {
      expires_at?: string | null;
      ip_allowlist?: string[] | null;
      max_order_notional?: Decimal | null;
      max_day_notional?: Decimal | null;
    } | null;
  };
  api_keys: { api_key_id: number; label: string | null }[];
  actions: Action[];
  accounts: AccountAccess[];
  session: BrowserSession | null;
  csrf_token: string | null;
  preferences: Record<string, unknown>;
  server: {
    name: string;
    version: string;
    env: string;
    live_trading_allowed: boolean;
    oms_enabled: boolean;
    server_time: string;
  };
}
