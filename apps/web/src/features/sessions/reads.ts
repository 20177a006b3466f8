/** Browser sessions: of all users for an administrator, the own ones for each user. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import { commentHeader } from "@/api/comment";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type Owner = "admin" | "self";

/** A session as the lists show it; `userName` is null in the own list. */
export interface Session extends Omit<Schemas["Session"], "session_id"> {
  id: number;
  userName: string | null;
}

export const SESSIONS_QUERY = ["sessions"] as const;

export function useSessions(owner: Owner) {
  return useQuery({
    queryKey: [...SESSIONS_QUERY, owner],
    queryFn: async (): Promise<Session[]> =>
      owner === "admin"
        ? (await call(api.GET("/admin/sessions"))).items.map((row) => ({ ...row, id: row.session_id, userName: row.user_name }))
        : (await call(api.GET("/user/sessions"))).items.map((row) => ({ ...row, id: row.session_id, userName: null })),
  });
}

export async function revokeSession(owner: Owner, id: number, comment: string): Promise<void> {
  const params = { path: { session_id: id }, header: commentHeader(comment) };
  await (owner === "admin"
    ? call(api.DELETE("/admin/sessions/{session_id}", { params }))
    : call(api.DELETE("/user/sessions/{session_id}", { params })));
}
