import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/api/errors";
import { session } from "@/api/session";
import { liveSocket } from "@/live/live";

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

/** Forget all rows when a session ends, and read those in view again when the gateway is back. Called once. */
export function startQueries(): void {
  session.subscribe(() => {
    if (session.get().status === "anonymous") queryClient.clear();
  });
  let wasOffline = false;
  liveSocket.connection.subscribe(() => {
    const { status } = liveSocket.connection.get();
    if (status === "offline") wasOffline = true;
    if (status !== "live" || !wasOffline) return;
    wasOffline = false;
    void queryClient.invalidateQueries();
  });
}
