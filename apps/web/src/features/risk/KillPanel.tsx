import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import { useStrategyNames } from "@/api/strategies";
import type { KillSwitch } from "@/api/types";
import { useAccountNames } from "@/app/scope";
import { KillDialog } from "@/app/shell/KillDialog";
import { KILL_QUERY, useActiveKillSwitches } from "@/app/shell/kill";
import { Button } from "@/kit/Button";
import { Confirm } from "@/kit/Confirm";
import { ErrorState } from "@/kit/ErrorState";
import { Icon } from "@/kit/Icon";
import { Panel } from "@/kit/Panel";
import { StatusPill } from "@/kit/StatusPill";
import { toastDone } from "@/kit/toasts";
import { useFormats } from "@/lib/format";
import { useCan } from "@/lib/permissions";

/** The kill switches that are on: who, when, why; and their release, the slow way. */
export function KillPanel() {
  const { t } = useTranslation("risk");
  const can = useCan();
  const { data, error, refetch } = useActiveKillSwitches();
  const [stopping, setStopping] = useState(false);
  const [released, setReleased] = useState<KillSwitch | null>(null);
  return (
    <Panel
      title={t("kill.title")}
      actions={
        can("kill_on") && (
          <Button tone="danger" icon={<Icon name="stop" />} onClick={() => setStopping(true)}>
            {t("kill.engage")}
          </Button>
        )
      }
    >
      {error !== null && <ErrorState error={error} compact onRetry={() => void refetch()} />}
      <ul className="flex flex-col">
        {(data ?? []).map((one) => (
          <KillRow key={one.id} kill={one} onRelease={can("kill_off") ? () => setReleased(one) : undefined} />
        ))}
        {data?.length === 0 && error === null && (
          <li className="p-3 text-sm">
            <StatusPill tone="good">{t("kill.none")}</StatusPill>
          </li>
        )}
      </ul>
      {stopping && <KillDialog onClose={() => setStopping(false)} />}
      {released !== null && <ReleaseDialog kill={released} onClose={() => setReleased(null)} />}
    </Panel>
  );
}

function useScopeText(): (kill: KillSwitch) => string {
  const { t } = useTranslation("risk");
  const account = useAccountNames();
  const strategy = useStrategyNames();
  return (kill) => {
    const id = kill.scope_id ?? "";
    if (kill.scope === "account") return account(Number(id)).label;
    return `${t(`kill.scope.${kill.scope}`)} ${kill.scope === "strategy" ? strategy(Number(id)) : id}`.trim();
  };
}

function KillRow({ kill, onRelease }: { kill: KillSwitch; onRelease: (() => void) | undefined }) {
  const { t } = useTranslation("risk");
  const { time } = useFormats();
  const scope = useScopeText();
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-3 py-2 text-sm">
      <StatusPill tone="bad">{t(`kill.mode.${kill.mode}`)}</StatusPill>
      <span className="font-semibold">{scope(kill)}</span>
      <span className="num text-muted">{t("kill.since", { time: time(kill.set_at), who: kill.set_by ?? "" })}</span>
      <span className="min-w-0 flex-1 truncate" title={kill.comment ?? ""}>
        {kill.comment}
      </span>
      {onRelease !== undefined && <Button onClick={onRelease}>{t("kill.release")}</Button>}
    </li>
  );
}

function ReleaseDialog({ kill, onClose }: { kill: KillSwitch; onClose: () => void }) {
  const { t } = useTranslation("risk");
  const client = useQueryClient();
  const scope = useScopeText();
  return (
    <Confirm
      open
      onClose={onClose}
      tier={4}
      title={t("kill.releaseTitle")}
      effect={t("kill.releaseEffect", { scope: scope(kill) })}
      action={t("kill.release")}
      {...(kill.confirm === null ? {} : { phrase: kill.confirm })}
      onConfirm={async (comment) => {
        const params = { path: { kill_id: kill.id } };
        await call(api.POST("/risk/kill/{kill_id}/release", { params, body: { comment, confirm: kill.confirm } }));
        await client.invalidateQueries({ queryKey: KILL_QUERY });
        toastDone(t("kill.released"));
      }}
    />
  );
}
