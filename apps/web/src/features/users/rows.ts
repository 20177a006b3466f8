import type { Key } from "@/features/keys/reads";
import type { Session } from "@/features/sessions/reads";
import type { User } from "@/features/users/reads";

/** A user with what belongs to it; null: not read yet. */
export interface UserListRow extends User {
  id: number;
  activeKeys: number | null;
  sessions: number | null;
  lastUsedAt: string | null;
}

/** The users with their active keys, open sessions, and when one of the keys was last used. */
export function userRows(
  users: readonly User[],
  keys: readonly Key[] | undefined,
  sessions: readonly Session[] | undefined,
): UserListRow[] {
  return users.map((user) => {
    const own = keys?.filter((key) => key.userId === user.user_id);
    const used = own?.flatMap((key) => (key.lastUsedAt === null ? [] : [key.lastUsedAt])).toSorted() ?? [];
    return {
      ...user,
      id: user.user_id,
      activeKeys: own?.filter((key) => key.status === "active").length ?? null,
      sessions: sessions?.filter((session) => session.userName === user.user_name).length ?? null,
      lastUsedAt: used.at(-1) ?? null,
    };
  });
}
