import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useScope } from "@/app/scope";
import { KILL_QUERY, stopTrading } from "@/app/shell/kill";
import { Checkbox } from "@/kit/Checkbox";
import { Confirm } from "@/kit/Confirm";
import { toastDone } from "@/kit/toasts";
import { useMe } from "@/lib/permissions";

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
