import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { request } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { Preview, PreviewResult } from "@/api/types";
import { isComplete, payloadOf, type Ticket } from "@/features/trade/ticket";

const SETTLE_MS = 300;
const AGAIN_MS = 5000;

/** The value once it has not changed for a moment. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** What the order would cost and leave, and what limits say: asked from the gateway, nothing is sent. */
export function usePreview(ticket: Ticket) {
  const settled = useSettled(ticket);
  return useQuery({
    queryKey: ["preview", settled],
    queryFn: async (): Promise<Preview> => {
      const body = { account_id: settled.accountId, command: "send_order", payload: payloadOf(settled) };
      const { results } = await request<{ results: PreviewResult[] }>("POST", "/oms/commands/preview", body);
      const result = results[0];
      if (result?.preview === undefined || result.preview === null) throw new ApiError(422, result?.error ?? {});
      return result.preview;
    },
    enabled: isComplete(settled),
    placeholderData: keepPreviousData,
    refetchInterval: AGAIN_MS,
    retry: false,
  });
}
