import { useTranslation } from "react-i18next";
import { useScope } from "@/app/scope";
import { Icon } from "@/kit/Icon";
import { useMe } from "@/lib/permissions";

/** A line on every page that has live accounts in view while the gateway opens nothing on them. */
export function LiveRibbon() {
  const { t } = useTranslation("shell");
  const me = useMe();
  const { accounts } = useScope();
  const isLive = accounts.some((account) => account.environment === "live");
  if (!isLive || me.server.live_trading_allowed) return null;
  return (
    <p className="flex shrink-0 items-center gap-2 border-b border-line bg-panel px-3 py-1 text-sm text-warn">
      <Icon name="lock" />
      {t("liveOff")}
    </p>
  );
}
