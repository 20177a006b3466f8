import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/api/errors";
import { session } from "@/api/session";

const ATTEMPTS = 2;

/** Whether a failed read is worth another attempt: a lost answer or a server that is not ready. */
function retry(failures: number, error: Error): boolean {
  if (failures >= ATTEMPTS) return false;
  return error instanceof ApiError && (error.status === 0 || error.status >= 502);
}

/** Reads of the gateway. Changes never retry by themselves. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry, staleTime: 5_000, refetchOnWindowFocus: true },
    mutations: { retry: false },
  },
});

/** Forget all rows when a session ends. Called once. */
export function startQueries(): void {
  session.subscribe(() => {
    if (session.get().status === "anonymous") queryClient.clear();
  });
}
