import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useScope } from "@/app/scope";
import { KILL_QUERY, stopTrading, type StopTarget } from "@/app/shell/kill";
import { Checkbox } from "@/kit/Checkbox";
import { Confirm } from "@/kit/Confirm";
import { toastDone } from "@/kit/toasts";
import { useMe } from "@/lib/permissions";

interface Props {
  /** Stop this strategy alone; absent: the accounts in view, or all. */
  strategy?: { strategy_id: number; name: string };
  onClose: () => void;
}

/** Stop trading of the accounts in view, of all, or of one strategy. */
export function KillDialog({ strategy, onClose }: Props) {
  const { t } = useTranslation("shell");
  const me = useMe();
  const scope = useScope();
  const client = useQueryClient();
  const [cancelEntries, setCancelEntries] = useState(true);
  const [flatten, setFlatten] = useState(false);
  const global = scope.all && (me.user.role === "admin" || me.user.role === "risk");
  const target: StopTarget =
    strategy !== undefined
      ? { scope: "strategy", id: strategy.strategy_id }
      : global
        ? { scope: "global" }
        : { scope: "accounts", ids: scope.ids };
  const effect =
    strategy !== undefined
      ? t("kill.effectStrategy", { name: strategy.name })
      : global
        ? t("kill.effectAll")
        : t("kill.effect", { count: scope.ids.length });
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="required"
      title={t("kill.title")}
      effect={effect}
      action={t("kill.action")}
      environment={scope.accounts.some((account) => account.environment === "live") ? "live" : undefined}
      onConfirm={async (comment) => {
        await stopTrading({ target, cancelEntries, flatten, comment });
        await client.invalidateQueries({ queryKey: KILL_QUERY });
        toastDone(t("kill.done"));
      }}
    >
      <Checkbox label={t("kill.cancelEntries")} checked={cancelEntries} onChange={setCancelEntries} />
      <Checkbox label={t("kill.flatten")} checked={flatten} onChange={setFlatten} />
    </Confirm>
  );
}
