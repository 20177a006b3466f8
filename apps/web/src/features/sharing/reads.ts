/** Links that show figures to readers without an account, and what such a reader gets. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type ShareLink = Schemas["ShareLink"] & { id: number };
export type NewShareLink = Schemas["ShareLinkRequest"];
export type ShareView = ShareLink["view"];
export type Shared = Schemas["Shared"];
export type SharedPosition = Schemas["SharedPosition"];

export const VIEWS: readonly ShareView[] = ["stats", "equity", "positions"];
export const LINKS_QUERY = ["share-links"] as const;

const RENEW_EVERY_MS = 15_000;

/** The links of the user; of all users for an administrator. */
export function useShareLinks() {
  return useQuery({
    queryKey: LINKS_QUERY,
    queryFn: async (): Promise<ShareLink[]> =>
      (await call(api.GET("/user/share-links"))).items.map((row) => ({ ...row, id: row.share_link_id })),
  });
}

/** Create a link; its token is in no later answer. Throws `ApiError`. */
export async function createShareLink(body: NewShareLink) {
  return call(api.POST("/user/share-links", { body }));
}

/** End a link at once. Throws `ApiError`. */
export async function revokeShareLink(link: ShareLink): Promise<void> {
  await call(api.DELETE("/user/share-links/{share_link_id}", { params: { path: { share_link_id: link.id } } }));
}

/** What the link of a token shows, read without a session. */
export function useShared(token: string) {
  return useQuery({
    queryKey: ["shared", token],
    queryFn: () => call(api.GET("/share/{share_token}", { params: { path: { share_token: token } } })),
    refetchInterval: RENEW_EVERY_MS,
  });
}
