import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { gatewayTime, loadSession, touch } from "@/api/session";
import { Button } from "@/kit/Button";
import { useMe } from "@/lib/permissions";
import { useLiveEvents } from "@/live/hooks";

const WARN_BEFORE_S = 60;
const ASK_EVERY_S = 15;

function secondsUntil(iso: string): number {
  return Math.ceil((new Date(iso).getTime() - gatewayTime(Date.now())) / 1000);
}

/** Warns a minute before the session ends, and asks the gateway again when it should have ended. */
export function SessionGuard() {
  const { t } = useTranslation("shell");
  const me = useMe();
  const [left, setLeft] = useState(Number.POSITIVE_INFINITY);
  const ends = me.session?.idle_ends_at;
  useLiveEvents(["session_expiring"], () => void loadSession());
  useEffect(() => {
    if (ends === undefined) return undefined;
    const look = () => {
      const seconds = secondsUntil(ends);
      setLeft(seconds);
      if (seconds <= 0 && seconds % ASK_EVERY_S === 0) void loadSession();
    };
    const timer = setInterval(look, 1000);
    return () => clearInterval(timer);
  }, [ends]);
  if (ends === undefined || left > WARN_BEFORE_S || left <= 0) return null;
  return (
    <div
      role="alert"
      className="fixed start-1/2 bottom-4 z-40 flex -translate-x-1/2 items-center gap-3 rounded border border-warn bg-panel px-4 py-2 shadow-(--shadow)"
    >
      <span className="num">{t("expiring", { seconds: left })}</span>
      <Button onClick={() => touch()}>{t("stay")}</Button>
    </div>
  );
}
