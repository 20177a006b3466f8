import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import { useStore } from "@/lib/store";
import { liveSocket } from "@/live/live";
import type { ConnectionStatus } from "@/live/socket";

const STYLES: Record<ConnectionStatus | "noWorker", string> = {
  idle: "bg-muted",
  connecting: "bg-warn",
  live: "bg-up",
  late: "bg-warn",
  offline: "bg-down",
  noWorker: "bg-down",
};

/** Whether live data arrives and commands are executed; a word beside the dot whenever not. */
export function ConnectionDot() {
  const { t } = useTranslation();
  const { status, silentMs, workerSilent } = useStore(liveSocket.connection);
  const shown = status === "live" && workerSilent ? "noWorker" : status;
  const text = t(`connection.${shown}`, { seconds: Math.round(silentMs / 1000) });
  return (
    <span role="status" title={text} className="flex items-center gap-1.5 px-1 text-xs text-muted">
      <span className={cx("size-2 rounded-full", STYLES[shown])} />
      <span className={cx(shown === "live" && "sr-only", shown !== "noWorker" && "max-sm:sr-only")}>{text}</span>
    </span>
  );
}
