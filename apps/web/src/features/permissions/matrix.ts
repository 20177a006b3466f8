/** The permissions of API keys on accounts as rows of a table, and the changes made to them. */
import type { components } from "@/api/schema";
import type { Key } from "@/features/keys/reads";

export type Permission = components["schemas"]["Permission"];

export const FLAGS = [
  "can_read",
  "can_trade",
  "can_close_position",
  "can_risk_manage",
  "can_block_new_positions",
  "can_block_account",
] as const;
export type Flag = (typeof FLAGS)[number];

/** What a key may do on an account. */
export interface Grant extends Record<Flag, boolean> {
  restrict_to_strategies: boolean;
  strategy_ids: readonly number[];
}

export interface MatrixAccount {
  id: number;
  label: string;
}

/** A row: a key on an account, as the gateway has it. */
export interface MatrixRow {
  id: string;
  key: Key;
  account: MatrixAccount;
  grant: Grant;
}

const NOTHING: Grant = {
  can_read: false,
  can_trade: false,
  can_close_position: false,
  can_risk_manage: false,
  can_block_new_positions: false,
  can_block_account: false,
  restrict_to_strategies: false,
  strategy_ids: [],
};

/** Usual sets of flags. */
export const PRESETS = {
  none: [],
  read: ["can_read"],
  trade: ["can_read", "can_trade", "can_close_position"],
  risk: ["can_read", "can_close_position", "can_risk_manage", "can_block_new_positions", "can_block_account"],
  all: FLAGS,
} as const satisfies Record<string, readonly Flag[]>;
export type Preset = keyof typeof PRESETS;

/** What the permissions of a key let it do on an account. */
export function grantOf(permissions: readonly Permission[] | undefined, accountId: number): Grant {
  return permissions?.find((row) => row.account_id === accountId && row.status === "active") ?? NOTHING;
}

/** A row for each key and account, in that order; a missing permission is a row without flags. */
export function matrixRows(
  keys: readonly Key[],
  accounts: readonly MatrixAccount[],
  permissions: ReadonlyMap<number, readonly Permission[]>,
): MatrixRow[] {
  return keys.flatMap((key) =>
    accounts.map((account) => ({
      id: `${key.id}:${account.id}`,
      key,
      account,
      grant: grantOf(permissions.get(key.id), account.id),
    })),
  );
}

/** The grant with a flag set or cleared. Every flag needs reading: it comes and goes with it. */
export function withFlag(grant: Grant, flag: Flag, on: boolean): Grant {
  if (flag === "can_read" && !on) return { ...NOTHING, restrict_to_strategies: grant.restrict_to_strategies, strategy_ids: grant.strategy_ids };
  return { ...grant, [flag]: on, can_read: on || grant.can_read };
}

/** The grant with exactly the flags of a preset; its strategies stay. */
export function withPreset(grant: Grant, preset: Preset): Grant {
  const flags: readonly Flag[] = PRESETS[preset];
  return { ...grant, ...Object.fromEntries(FLAGS.map((flag) => [flag, flags.includes(flag)])) };
}

/** Whether both let the key do the same. */
export function sameGrant(one: Grant, other: Grant): boolean {
  const strategies = (grant: Grant) => (grant.restrict_to_strategies ? grant.strategy_ids.toSorted((a, b) => a - b).join() : "all");
  return FLAGS.every((flag) => one[flag] === other[flag]) && strategies(one) === strategies(other);
}

/** Whether the change lets the key do something that it could not do before. */
export function widens(before: Grant, after: Grant): boolean {
  if (FLAGS.some((flag) => after[flag] && !before[flag])) return true;
  if (!before.restrict_to_strategies || !after.can_read) return false;
  return !after.restrict_to_strategies || after.strategy_ids.some((id) => !before.strategy_ids.includes(id));
}
