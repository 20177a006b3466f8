import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";

export type CatalogEntry = components["schemas"]["CatalogStrategy"];

/** The versions of strategies of the catalogue. */
export function useCatalog() {
  return useQuery({
    queryKey: ["strategies", "catalog"],
    queryFn: async (): Promise<CatalogEntry[]> => (await call(api.GET("/strategies/catalog"))).items,
    staleTime: 60_000,
  });
}

/** The names of the strategies that can be drawn. */
export function useRunnableStrategies(): string[] {
  const { data } = useCatalog();
  return [...new Set((data ?? []).map((entry) => entry.name))];
}
