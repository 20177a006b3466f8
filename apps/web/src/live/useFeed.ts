import { useTranslation } from "react-i18next";
import type { GridState } from "@/kit/grid/types";
import { useStore } from "@/lib/store";
import { liveSocket } from "@/live/live";

/** The state of a grid that shows live rows of these accounts. */
export function useFeedState(accountIds: readonly number[]): Pick<GridState, "loading" | "stale"> {
  const { t } = useTranslation();
  const { status, silentMs, ready } = useStore(liveSocket.connection);
  const loading = !accountIds.every((id) => ready.has(id));
  if (status === "late") return { loading, stale: t("connection.staleLate", { seconds: Math.round(silentMs / 1000) }) };
  if (status === "offline" || (status === "idle" && accountIds.length > 0)) return { loading, stale: t("connection.staleOffline") };
  return { loading, stale: null };
}
