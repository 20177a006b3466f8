/** The sources of signals that results can be filtered by, with their names where the user may read them. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, call } from "@/api/client";
import { useScope } from "@/app/scope";
import { useSources } from "@/features/signals/reads";
import { useCan } from "@/lib/permissions";

/**
 * Names by id. Only an administrator reads sources: for others they are those whose signals opened
 * positions of the accounts in view, by number.
 */
export function useSourceNames(): ReadonlyMap<number, string> {
  const isAdmin = useCan()("admin");
  const accounts = useScope().parameter;
  const sources = useSources(isAdmin);
  const groups = useQuery({
    queryKey: ["stats", "sources", accounts],
    queryFn: async () => (await call(api.GET("/stats", { params: { query: { account_ids: accounts, group_by: "source" } } }))).groups,
    enabled: !isAdmin && accounts !== "",
    staleTime: 60_000,
  });
  return useMemo(() => {
    const known = (sources.data ?? []).map((one) => [one.id, one.name] as const);
    const used = (groups.data ?? []).map(({ key }) => Number(key)).filter((id) => id !== 0);
    return new Map([...used.map((id) => [id, `#${id}`] as const), ...known]);
  }, [sources.data, groups.data]);
}
