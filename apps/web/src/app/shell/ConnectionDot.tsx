import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import { useStore } from "@/lib/store";
import { liveSocket } from "@/live/live";
import type { ConnectionStatus } from "@/live/socket";

const STYLES: Record<ConnectionStatus, string> = {
  idle: "bg-muted",
  connecting: "bg-warn",
  live: "bg-up",
  late: "bg-warn",
  offline: "bg-down",
};

/** Whether live data arrives; a word beside the dot whenever it does not. */
export function ConnectionDot() {
  const { t } = useTranslation();
  const { status, silentMs } = useStore(liveSocket.connection);
  const text = t(`connection.${status}`, { seconds: Math.round(silentMs / 1000) });
  return (
    <span role="status" title={text} className="flex items-center gap-1.5 px-1 text-xs text-muted">
      <span className={cx("size-2 rounded-full", STYLES[status])} />
      <span className={cx(status === "live" && "sr-only", "max-sm:sr-only")}>{text}</span>
    </span>
  );
}
