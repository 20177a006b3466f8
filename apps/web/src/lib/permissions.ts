/**
 * What the page shows to a user: the rows of the table of roles that the user may, and the flags of
 * the API key for an account. It decides what to draw; the gateway decides every request by itself.
 */
import { session } from "@/api/session";
import type { AccountAccess, Action, Me } from "@/api/types";
import { useStorePart } from "@/lib/store";

type Flag = keyof Pick<
  AccountAccess,
  | "can_read"
  | "can_trade"
  | "can_close_position"
  | "can_risk_manage"
  | "can_block_new_positions"
  | "can_block_account"
>;

/** For each action the flags needed on an account: any list of which all are set. */
const FLAGS: Partial<Record<Action, readonly (readonly Flag[])[]>> = {
  read: [["can_read"]],
  market: [["can_read"]],
  trade: [["can_trade"]],
  cancel: [["can_trade"], ["can_risk_manage"]],
  close: [["can_close_position"]],
  ccxt_trade: [["can_trade"]],
  ccxt_allowed: [["can_trade"]],
  reconcile: [["can_read"]],
  reassign: [["can_trade"], ["can_risk_manage"]],
  strategy_create: [["can_trade"]],
  risk_switch: [["can_risk_manage", "can_block_new_positions"]],
  risk_block: [["can_risk_manage", "can_block_account"]],
  kill_on: [["can_risk_manage"], ["can_trade"]],
  kill_off: [["can_risk_manage"]],
  paper: [["can_trade"]],
  automate: [["can_trade"]],
};

/** Whether the user may do the action on the account; without an account: on at least one. */
export function can(me: Me, action: Action, accountId?: number): boolean {
  if (!me.actions.includes(action)) return false;
  const flags = FLAGS[action];
  if (flags === undefined || me.user.role === "admin") return true;
  const accounts = accountId === undefined ? me.accounts : me.accounts.filter((a) => a.account_id === accountId);
  return accounts.some((account) => flags.some((all) => all.every((flag) => account[flag])));
}

/** Whether the gateway demands a comment with every change of this user. */
export function commentRequired(me: Me): boolean {
  return me.user.role === "risk";
}

/** The logged-in user. Throws outside the pages that need a login. */
export function useMe(): Me {
  const me = useStorePart(session, (state) => (state.status === "active" ? state.me : null));
  if (me === null) throw new Error("no session");
  return me;
}

export function useCan(): (action: Action, accountId?: number) => boolean {
  const me = useMe();
  return (action, accountId) => can(me, action, accountId);
}
