/** The catalogue of strategies: rules that backtests, bots and charts run. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";

export type CatalogEntry = components["schemas"]["CatalogStrategy"];
export const CATALOG_QUERY = ["strategies", "catalog"] as const;
const NONE: readonly CatalogEntry[] = [];

/** The strategies, what could not be loaded, and when the runner loaded those of users. */
export function useCatalogRead() {
  return useQuery({
    queryKey: CATALOG_QUERY,
    queryFn: () => call(api.GET("/strategies/catalog")),
    staleTime: 60_000,
  });
}

/** The strategies of the catalogue. */
export function useCatalog(): readonly CatalogEntry[] {
  return useCatalogRead().data?.items ?? NONE;
}

/** Each name once. */
export function namesOf(catalog: readonly CatalogEntry[]): string[] {
  return [...new Set(catalog.map((entry) => entry.name))];
}

/** `213 × 4h, 200 × 5m`: closed candles before the first decision. */
export function warmupText({ warmup }: Pick<CatalogEntry, "warmup">, base: string): string {
  return Object.entries(warmup)
    .map(([timeframe, count]) => `${count} × ${timeframe === "base" ? base : timeframe}`)
    .join(", ");
}

/** Let the runner load the code of strategies again; what could not be loaded. Throws `ApiError`. */
export async function reloadCatalog(): Promise<readonly components["schemas"]["CatalogError"][]> {
  return (await call(api.POST("/strategies/catalog/reload"))).errors;
}
