import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { setStrategyAllowed, useRenewStrategies, useSwitches, type StrategyRow } from "@/features/strategies/reads";
import { Button } from "@/kit/Button";
import { Confirm } from "@/kit/Confirm";
import { DetailDrawer } from "@/kit/DetailDrawer";
import { EnvBadge } from "@/kit/EnvBadge";
import { ErrorState } from "@/kit/ErrorState";
import { StatusPill } from "@/kit/StatusPill";
import { toastDone } from "@/kit/toasts";
import { useCan } from "@/lib/permissions";

/** The accounts of a strategy, and whether it may open positions on each. */
export function StrategyDrawer({ strategy, onClose }: { strategy: StrategyRow; onClose: () => void }) {
  const { t } = useTranslation("strategies");
  const [asked, setAsked] = useState<{ accountId: number; allow: boolean } | null>(null);
  return (
    <DetailDrawer open onClose={onClose} title={strategy.name}>
      <h3 className="text-xs text-muted">{t("switch.title")}</h3>
      {strategy.account_ids.length === 0 && <p className="text-sm text-muted">{t("switch.none")}</p>}
      {strategy.account_ids.map((accountId) => (
        <Switch key={accountId} strategy={strategy} accountId={accountId} onAsk={(allow) => setAsked({ accountId, allow })} />
      ))}
      {asked !== null && <AllowDialog strategy={strategy} {...asked} onClose={() => setAsked(null)} />}
    </DetailDrawer>
  );
}

interface SwitchProps {
  strategy: StrategyRow;
  accountId: number;
  onAsk: (allow: boolean) => void;
}

function Switch({ strategy, accountId, onAsk }: SwitchProps) {
  const { t } = useTranslation("strategies");
  const can = useCan();
  const account = useAccountNames()(accountId);
  const switches = useSwitches(accountId);
  const allowed = switches.data?.find((row) => row.strategy_id === strategy.strategy_id)?.allow_new_positions;
  return (
    <div className="flex flex-wrap items-center gap-2 border-t border-line pt-2 text-sm">
      <EnvBadge environment={account.environment} />
      <span>{account.label}</span>
      {switches.error !== null && <ErrorState error={switches.error} compact onRetry={() => void switches.refetch()} />}
      {allowed !== undefined && <StatusPill tone={allowed ? "good" : "warn"}>{t(allowed ? "switch.yes" : "switch.no")}</StatusPill>}
      {allowed !== undefined && can("risk_switch", accountId) && (
        <Button className="ms-auto" onClick={() => onAsk(!allowed)}>
          {t(allowed ? "forbid.action" : "allow.action")}
        </Button>
      )}
    </div>
  );
}

interface AllowDialogProps {
  strategy: StrategyRow;
  accountId: number;
  allow: boolean;
  onClose: () => void;
}

function AllowDialog({ strategy, accountId, allow, onClose }: AllowDialogProps) {
  const { t } = useTranslation("strategies");
  const renew = useRenewStrategies();
  const account = useAccountNames()(accountId);
  const words = { name: strategy.name, account: account.label };
  const kind = allow ? "allow" : "forbid";
  return (
    <Confirm
      open
      onClose={onClose}
      tier={3}
      danger={!allow}
      environment={account.environment}
      title={t(`${kind}.title`, words)}
      effect={t(`${kind}.effect`)}
      action={t(`${kind}.action`)}
      onConfirm={async (comment) => {
        await setStrategyAllowed(accountId, strategy.strategy_id, allow, comment);
        toastDone(t(`${kind}.done`, words));
        renew();
      }}
    />
  );
}
