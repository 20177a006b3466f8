import { useTranslation } from "react-i18next";
import { useStrategyNames } from "@/api/strategies";
import { useActiveKillSwitches } from "@/app/shell/kill";
import { Icon } from "@/kit/Icon";
import { usePreference } from "@/lib/preferences";
import { fmtTime } from "@/lib/time";

/** A line on every page while a kill switch is on. */
export function KillRibbon() {
  const { t } = useTranslation("shell");
  const zone = usePreference("zone");
  const { data } = useActiveKillSwitches();
  const strategyName = useStrategyNames();
  const newest = data?.at(-1);
  if (newest === undefined) return null;
  const words = { time: fmtTime(newest.set_at, zone), comment: newest.comment ?? "" };
  return (
    <div role="status" className="flex shrink-0 items-center gap-2 bg-danger px-3 py-1 text-sm text-white">
      <Icon name="stop" />
      <span className="num truncate">
        {newest.scope === "strategy"
          ? t("kill.ribbonStrategy", { ...words, name: strategyName(Number(newest.scope_id)) })
          : t("kill.ribbon", words)}
      </span>
    </div>
  );
}
