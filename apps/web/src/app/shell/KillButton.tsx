import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useScope } from "@/app/scope";
import { KILL_QUERY, stopTrading, useActiveKillSwitches } from "@/app/shell/kill";
import { Button } from "@/kit/Button";
import { Checkbox } from "@/kit/Checkbox";
import { Confirm } from "@/kit/Confirm";
import { Icon } from "@/kit/Icon";
import { toastDone } from "@/kit/toasts";
import { cx } from "@/lib/cx";
import { useCan, useMe } from "@/lib/permissions";

/** The state of the kill switch, and two actions to stop trading from anywhere. */
export function KillButton() {
  const { t } = useTranslation("shell");
  const can = useCan();
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
      </Button>
      {open && <KillDialog onClose={() => setOpen(false)} />}
    </>
  );
}

/** Stop trading of the accounts in view, or of all. */
export function KillDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("shell");
  const me = useMe();
  const scope = useScope();
  const client = useQueryClient();
  const [cancelEntries, setCancelEntries] = useState(true);
  const [flatten, setFlatten] = useState(false);
  const global = scope.all && (me.user.role === "admin" || me.user.role === "risk");
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="required"
      title={t("kill.title")}
      effect={global ? t("kill.effectAll") : t("kill.effect", { count: scope.ids.length })}
      action={t("kill.action")}
      environment={scope.accounts.some((account) => account.environment === "live") ? "live" : undefined}
      onConfirm={async (comment) => {
        await stopTrading({ global, accountIds: scope.ids, cancelEntries, flatten, comment });
        await client.invalidateQueries({ queryKey: KILL_QUERY });
        toastDone(t("kill.done"));
      }}
    >
      <Checkbox label={t("kill.cancelEntries")} checked={cancelEntries} onChange={setCancelEntries} />
      <Checkbox label={t("kill.flatten")} checked={flatten} onChange={setFlatten} />
    </Confirm>
  );
}
