/** API keys: of all users for an administrator, the own ones for each user. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import { commentHeader } from "@/api/comment";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type Owner = "admin" | "self";
export type NewKey = Schemas["NewKey"];
export type Restrictions = Schemas["RestrictionFields"];

/** A key as the lists show it. */
export interface Key {
  id: number;
  label: string | null;
  prefix: string | null;
  userId: number;
  userName: string;
  role: string;
  status: "active" | "disabled";
  disabledBy: string | null;
  createdAt: string;
  lastUsedAt: string | null;
  lastUsedIp: string | null;
  restrictions: Schemas["Restrictions"];
}

function keyOf(row: Schemas["ApiKey"] | Schemas["UserApiKey"]): Key {
  return {
    id: row.api_key_id,
    label: row.label,
    prefix: row.key_prefix,
    userId: row.user_id,
    userName: row.user_name,
    role: row.role,
    status: "status" in row ? row.status : row.api_key_status,
    disabledBy: row.disabled_by,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    lastUsedIp: row.last_used_ip,
    restrictions: row.restrictions,
  };
}

export const KEYS_QUERY = ["keys"] as const;

export function useKeys(owner: Owner) {
  return useQuery({
    queryKey: [...KEYS_QUERY, owner],
    queryFn: async (): Promise<Key[]> =>
      owner === "admin"
        ? (await call(api.GET("/admin/users-api-keys"))).items.map(keyOf)
        : (await call(api.GET("/user/api-keys"))).items.map(keyOf),
  });
}

export interface KeyDraft {
  label: string;
  userId: number | null;
  restrictions: Restrictions | null;
  comment: string;
}

/** Create a key; the answer has its text, which no later answer has. */
export function createKey(owner: Owner, draft: KeyDraft): Promise<NewKey> {
  const params = { header: commentHeader(draft.comment) };
  const body = {
    label: draft.label === "" ? null : draft.label,
    ...(draft.restrictions === null ? {} : { restrictions: draft.restrictions }),
  };
  if (owner === "self") return call(api.POST("/user/api-keys", { params, body }));
  if (draft.userId === null) throw new Error("a key needs a user");
  return call(api.POST("/admin/api-keys", { params, body: { ...body, user_id: draft.userId } }));
}

export async function setKeyStatus(owner: Owner, key: Key, status: Key["status"], comment: string): Promise<void> {
  const params = { path: { api_key_id: key.id }, header: commentHeader(comment) };
  const body = { status };
  await (owner === "admin"
    ? call(api.PATCH("/admin/api-keys/{api_key_id}", { params, body }))
    : call(api.PATCH("/user/api-keys/{api_key_id}", { params, body })));
}

/** Limit the value of what a key may open; null: no limit. Its other fields stay. Throws `ApiError`. */
export async function setKeyCaps(
  key: Key,
  caps: Pick<Key["restrictions"], "max_order_notional" | "max_day_notional">,
  comment: string,
): Promise<void> {
  const params = { path: { api_key_id: key.id }, header: commentHeader(comment) };
  await call(api.PATCH("/admin/api-keys/{api_key_id}", { params, body: { restrictions: caps } }));
}
