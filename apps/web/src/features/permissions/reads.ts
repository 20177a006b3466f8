/** Permissions of keys on accounts: read per key, replaced per key and account. */
import { useQueries } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import { commentHeader } from "@/api/comment";
import { useReadState } from "@/app/readState";
import { grantOf, type Grant, type MatrixRow, type Permission } from "@/features/permissions/matrix";

export const PERMISSIONS_QUERY = ["permissions"] as const;

export interface PermissionsRead {
  byKey: ReadonlyMap<number, readonly Permission[]>;
  loading: boolean;
  /** Said of permissions that could not be read again. */
  stale: string | null;
  error: Error | null;
  retry: () => void;
}

async function readPermissions(keyId: number): Promise<readonly Permission[]> {
  const params = { path: { api_key_id: keyId } };
  return (await call(api.GET("/admin/api-keys/{api_key_id}/permissions", { params }))).items;
}

/** What keys may do now, by row; read again right before it is replaced. */
export async function readGrants(rows: readonly MatrixRow[]): Promise<ReadonlyMap<string, Grant>> {
  const keyIds = [...new Set(rows.map((row) => row.key.id))];
  const read = await Promise.all(keyIds.map(async (id) => [id, await readPermissions(id)] as const));
  const byKey = new Map(read);
  return new Map(rows.map((row) => [row.id, grantOf(byKey.get(row.key.id), row.account.id)]));
}

/** The permissions of these keys; rows of a key are absent until they are read. */
export function usePermissions(keyIds: readonly number[]): PermissionsRead {
  const stateOf = useReadState();
  return useQueries({
    queries: keyIds.map((id) => ({
      queryKey: [...PERMISSIONS_QUERY, id],
      queryFn: () => readPermissions(id),
    })),
    combine: (results) => ({
      byKey: new Map(results.flatMap((result, index) => (result.data === undefined ? [] : [[keyIds[index] ?? 0, result.data] as const]))),
      loading: results.some((result) => result.isPending),
      stale: results.map((result) => stateOf(result).stale ?? null).find((text) => text !== null) ?? null,
      error: results.find((result) => result.data === undefined && result.error !== null)?.error ?? null,
      retry: () => results.forEach((result) => void result.refetch()),
    }),
  });
}

/** Replace what a key may do on an account. Throws `ApiError`. */
export async function setPermission(row: MatrixRow, grant: Grant, comment: string): Promise<void> {
  const { strategy_ids, restrict_to_strategies, can_read, can_trade, can_close_position } = grant;
  await call(
    api.PUT("/admin/api-keys/{api_key_id}/permissions", {
      params: { path: { api_key_id: row.key.id }, header: commentHeader(comment) },
      body: {
        account_id: row.account.id,
        can_read,
        can_trade,
        can_close_position,
        can_risk_manage: grant.can_risk_manage,
        can_block_new_positions: grant.can_block_new_positions,
        can_block_account: grant.can_block_account,
        restrict_to_strategies,
        strategy_ids: restrict_to_strategies ? [...strategy_ids] : [],
      },
    }),
  );
}
