import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { request } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { CommandRequest, Preview, PreviewResult } from "@/api/types";

const SETTLE_MS = 300;
const AGAIN_MS = 5000;

export interface Asked {
  account_id: number;
  command: CommandRequest["command"];
  payload: Record<string, unknown>;
}

/** The text once it has not changed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

export interface PreviewState {
  /** The answer to what is asked now; `pending`: the last one, to something else. */
  data: Preview | undefined;
  error: unknown;
  pending: boolean;
}

/** What a command would do, cost and leave, and what limits say: asked from the gateway, nothing is sent. */
export function usePreview(asked: Asked | null): PreviewState {
  const body = asked === null ? "" : JSON.stringify(asked);
  const settled = useSettled(body);
  const { data, error, isPlaceholderData } = useQuery({
    queryKey: ["preview", settled],
    queryFn: async (): Promise<Preview> => {
      const { results } = await request<{ results: PreviewResult[] }>("POST", "/oms/commands/preview", JSON.parse(settled));
      const result = results[0];
      if (result?.preview === undefined || result.preview === null) throw new ApiError(422, result?.error ?? {});
      return result.preview;
    },
    enabled: settled !== "",
    placeholderData: keepPreviousData,
    refetchInterval: AGAIN_MS,
    retry: false,
  });
  const pending = isPlaceholderData || settled !== body;
  return { data, error: pending ? null : error, pending };
}
