import { useTranslation } from "react-i18next";
import type { GridState } from "@/kit/grid/types";
import { usePreference } from "@/lib/preferences";
import { useStorePart } from "@/lib/store";
import { fmtClock } from "@/lib/time";
import { liveSocket } from "@/live/live";

interface Query {
  data: unknown;
  error: unknown;
  isPending: boolean;
  dataUpdatedAt: number;
  refetch: () => unknown;
}

/** The state of a grid that shows what a query read; rows that could not be renewed, and all while the page is offline, are marked with their time. */
export function useReadState(): (query: Query, enabled?: boolean) => GridState {
  const { t } = useTranslation();
  const zone = usePreference("zone");
  const offline = useStorePart(liveSocket.connection, ({ status }) => status === "offline");
  return (query, enabled = true) => {
    const failed = query.error !== null;
    const known = query.data !== undefined;
    return {
      loading: query.isPending && enabled,
      error: known ? null : query.error,
      stale: known && (failed || offline) ? t("grid.notRenewed", { time: fmtClock(new Date(query.dataUpdatedAt).toISOString(), zone) }) : null,
      onRetry: () => void query.refetch(),
    };
  };
}
