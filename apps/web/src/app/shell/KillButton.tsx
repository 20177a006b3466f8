import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useActiveKillSwitches } from "@/app/shell/kill";
import { KillDialog } from "@/app/shell/KillDialog";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { cx } from "@/lib/cx";
import { PHONE, useMedia } from "@/lib/media";
import { useCan } from "@/lib/permissions";

/** The state of the kill switch, and two actions to stop trading from anywhere. */
export function KillButton() {
  const { t } = useTranslation("shell");
  const can = useCan();
  const phone = useMedia(PHONE);
  const [open, setOpen] = useState(false);
  const { data, isError } = useActiveKillSwitches();
  const on = data?.length ?? 0;
  const text = isError || data === undefined ? t("kill.unknown") : on > 0 ? t("kill.on", { count: on }) : t("kill.off");
  return (
    <>
      <Button
        tone={on > 0 ? "danger" : "quiet"}
        icon={<Icon name="stop" />}
        title={can("kill_on") ? `${text}. ${t("kill.engage")}` : text}
        disabled={!can("kill_on")}
        onClick={() => setOpen(true)}
      >
        <span className={cx("max-lg:sr-only", on === 0 && "text-muted")}>{text}</span>
        {phone && <span className="text-xs">{t("kill.short")}</span>}
      </Button>
      {open && <KillDialog onClose={() => setOpen(false)} />}
    </>
  );
}
