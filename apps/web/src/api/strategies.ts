import { useCallback } from "react";
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { Strategy } from "@/api/types";

/** The strategies that the user sees. */
export function useStrategies() {
  return useQuery({
    queryKey: ["strategies"],
    queryFn: async (): Promise<Strategy[]> => (await call(api.GET("/strategies"))).items,
    staleTime: 60_000,
  });
}

/** The name of a strategy by its id; empty for 0. */
export function useStrategyNames(): (id: number) => string {
  const { data } = useStrategies();
  return useCallback(
    (id) => (id === 0 ? "" : (data?.find((strategy) => strategy.strategy_id === id)?.name ?? `#${id}`)),
    [data],
  );
}
