import { describe, expect, it } from "vitest";
import type { Key } from "@/features/keys/reads";
import { overtaken } from "@/features/permissions/useEdits";
import { matrixRows, sameGrant, widens, withFlag, withPreset, type Grant, type Permission } from "@/features/permissions/matrix";

const KEY: Key = {
  id: 7,
  label: "robot",
  prefix: null,
  userId: 2,
  userName: "grace",
  role: "trader",
  status: "active",
  disabledBy: null,
  createdAt: "2026-01-01T00:00:00.000000Z",
  lastUsedAt: null,
  lastUsedIp: null,
  restrictions: { expires_at: null, ip_allowlist: null, max_day_notional: null, max_order_notional: null },
};
const READ: Permission = {
  api_key_id: 7,
  account_id: 1,
  can_read: true,
  can_trade: false,
  can_close_position: false,
  can_risk_manage: false,
  can_block_new_positions: false,
  can_block_account: false,
  restrict_to_strategies: false,
  strategy_ids: [],
  status: "active",
};

function grant(change: Partial<Grant>): Grant {
  return { ...READ, ...change };
}

describe("the rows of the matrix", () => {
  it("are one for each key and account; a missing permission is nothing", () => {
    const rows = matrixRows([KEY], [{ id: 1, label: "one" }, { id: 2, label: "two" }], new Map([[7, [READ]]]));
    expect(rows.map((row) => [row.id, row.grant.can_read])).toEqual([
      ["7:1", true],
      ["7:2", false],
    ]);
  });

  it("do not take a permission that is no longer active", () => {
    const rows = matrixRows([KEY], [{ id: 1, label: "one" }], new Map([[7, [{ ...READ, status: "disabled" }]]]));
    expect(rows[0]?.grant.can_read).toBe(false);
  });
});

describe("a flag", () => {
  it("brings reading with it, and goes when reading goes", () => {
    const trading = withFlag(grant({ can_read: false }), "can_trade", true);
    expect(trading).toMatchObject({ can_read: true, can_trade: true });
    expect(withFlag(trading, "can_read", false)).toMatchObject({ can_read: false, can_trade: false });
    expect(withFlag(trading, "can_trade", false)).toMatchObject({ can_read: true, can_trade: false });
  });

  it("is set or cleared by a preset; the strategies stay", () => {
    const before = grant({ can_block_account: true, restrict_to_strategies: true, strategy_ids: [3] });
    expect(withPreset(before, "trade")).toMatchObject({ can_trade: true, can_block_account: false, strategy_ids: [3] });
    expect(withPreset(before, "none")).toMatchObject({ can_read: false, can_block_account: false });
  });
});

describe("a change", () => {
  it("is none if both let the key do the same", () => {
    expect(sameGrant(grant({ strategy_ids: [1] }), grant({}))).toBe(true);
    const restricted = { restrict_to_strategies: true };
    expect(sameGrant(grant({ ...restricted, strategy_ids: [1, 10, 2] }), grant({ ...restricted, strategy_ids: [2, 1, 10] }))).toBe(true);
    expect(sameGrant(grant({ ...restricted, strategy_ids: [1] }), grant({}))).toBe(false);
  });

  it("widens by a flag, by a strategy, or by the end of a restriction", () => {
    const restricted = grant({ restrict_to_strategies: true, strategy_ids: [1] });
    expect(widens(grant({}), grant({ can_trade: true }))).toBe(true);
    expect(widens(restricted, { ...restricted, strategy_ids: [1, 2] })).toBe(true);
    expect(widens(restricted, grant({}))).toBe(true);
  });

  it("does not widen by fewer flags or strategies", () => {
    const restricted = grant({ restrict_to_strategies: true, strategy_ids: [1] });
    expect(widens(grant({ can_trade: true }), grant({}))).toBe(false);
    expect(widens(grant({}), restricted)).toBe(false);
    expect(widens(restricted, { ...restricted, strategy_ids: [] })).toBe(false);
    expect(widens(restricted, grant({ can_read: false }))).toBe(false);
  });
});

describe("a row that someone else changed since it was read", () => {
  const [row] = matrixRows([KEY], [{ id: 1, label: "one" }], new Map([[7, [READ]]]));
  if (row === undefined) throw new Error("no row");
  const edit = { row, grant: grant({ can_trade: true }) };

  it("is found before it is replaced", () => {
    expect(overtaken([edit], new Map([[row.id, grant({ can_risk_manage: true })]]))).toEqual([edit]);
    expect(overtaken([edit], new Map([[row.id, grant({})]]))).toEqual([]);
  });
});
