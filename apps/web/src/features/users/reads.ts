/** Users, for administrators: what the pages read and change. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import { commentHeader } from "@/api/comment";
import type { components } from "@/api/schema";
import type { Role } from "@/api/types";

type Schemas = components["schemas"];

export type User = Schemas["User"];

export const ROLES = ["trader", "portfolio_manager", "robot", "risk", "readonly", "admin"] as const satisfies readonly Role[];

export const USERS_QUERY = ["users"] as const;

export function useUsers() {
  return useQuery({
    queryKey: USERS_QUERY,
    queryFn: async () => (await call(api.GET("/admin/users"))).items,
  });
}

/** Whether the word is a role that this page knows. */
export function isRole(word: string): word is Role {
  return (ROLES as readonly string[]).includes(word);
}

export interface UserDraft {
  name: string;
  role: Role;
  /** Empty: the user logs in by API key alone. */
  password: string;
  keyLabel: string;
}

/** Create a user with a first key; the answer has the key's text, which no later answer has. */
export function createUser(draft: UserDraft, comment: string): Promise<Schemas["NewKey"]> {
  return call(
    api.POST("/admin/users-with-api-key", {
      params: { header: commentHeader(comment) },
      body: {
        user_name: draft.name.trim(),
        role: draft.role,
        ...(draft.password === "" ? {} : { password: draft.password }),
        ...(draft.keyLabel.trim() === "" ? {} : { label: draft.keyLabel.trim() }),
      },
    }),
  );
}

/** Change role, status or password. Throws `ApiError`. */
export async function changeUser(userId: number, body: Schemas["UserChange"], comment: string): Promise<void> {
  const params = { path: { user_id: userId }, header: commentHeader(comment) };
  await call(api.PATCH("/admin/users/{user_id}", { params, body }));
}
