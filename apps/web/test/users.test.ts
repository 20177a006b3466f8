import { expect, it } from "vitest";
import type { Key } from "@/features/keys/reads";
import type { Session } from "@/features/sessions/reads";
import { userRows } from "@/features/users/rows";

const USER = { user_id: 2, user_name: "grace", role: "trader", status: "active", created_at: "2026-01-01T00:00:00.000000Z" };

function key(change: Partial<Key>): Key {
  return { userId: 2, status: "active", lastUsedAt: null, ...change } as Key;
}

it("counts active keys and sessions of the user, and finds when one of the keys was last used", () => {
  const keys = [
    key({ lastUsedAt: "2026-01-03T00:00:00.000000Z", status: "disabled" }),
    key({ lastUsedAt: "2026-01-02T00:00:00.000000Z" }),
    key({ userId: 3, lastUsedAt: "2026-01-09T00:00:00.000000Z" }),
  ];
  const sessions = [{ userName: "grace" }, { userName: "ada" }] as Session[];
  expect(userRows([USER], keys, sessions)).toEqual([
    { ...USER, id: 2, activeKeys: 1, sessions: 1, lastUsedAt: "2026-01-03T00:00:00.000000Z" },
  ]);
});

it("does not know the counts before they are read", () => {
  expect(userRows([USER], undefined, undefined)).toMatchObject([{ activeKeys: null, sessions: null, lastUsedAt: null }]);
});
