import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { PageLoading } from "@/app/PageStates";
import { ErrorState } from "@/kit/ErrorState";

interface Props<Data> {
  query: Pick<UseQueryResult<Data>, "data" | "error" | "refetch">;
  children: (data: Data) => ReactNode;
}

/** The content of a panel: nothing is said of rows before they are read, and old ones are not shown as new. */
export function Read<Data>({ query, children }: Props<Data>) {
  const failed = query.error !== null && <ErrorState error={query.error} compact onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return failed || <PageLoading />;
  return (
    <>
      {failed}
      {children(query.data)}
    </>
  );
}
