import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { PageLoading } from "@/app/PageStates";
import { ErrorState } from "@/kit/ErrorState";

interface Props<Data> {
  query: Pick<UseQueryResult<Data>, "data" | "error" | "refetch">;
  children: (data: Data) => ReactNode;
}

/** The content of a panel: nothing is said of rows before they are read. */
export function Read<Data>({ query, children }: Props<Data>) {
  if (query.data !== undefined) return children(query.data);
  if (query.error !== null) return <ErrorState error={query.error} compact onRetry={() => void query.refetch()} />;
  return <PageLoading />;
}
