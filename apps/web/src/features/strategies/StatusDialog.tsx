import { useTranslation } from "react-i18next";
import { changeStrategy, type StrategyRow } from "@/features/strategies/reads";
import { Confirm } from "@/kit/Confirm";
import { toastDone } from "@/kit/toasts";

interface StatusDialogProps {
  strategy: StrategyRow;
  onClose: () => void;
  onChanged: () => void;
}

/** Disable a strategy on all accounts, or enable it again. */
export function StatusDialog({ strategy, onClose, onChanged }: StatusDialogProps) {
  const { t } = useTranslation("strategies");
  const kind = strategy.status === "active" ? "disable" : "enable";
  const { name } = strategy;
  return (
    <Confirm
      open
      onClose={onClose}
      tier={3}
      danger={kind === "disable"}
      title={t(`${kind}.title`, { name })}
      effect={t(`${kind}.effect`, { name })}
      action={t(`${kind}.action`)}
      onConfirm={async (comment) => {
        await changeStrategy(strategy.strategy_id, { status: kind === "disable" ? "disabled" : "active" }, comment);
        toastDone(t(`${kind}.done`, { name }));
        onChanged();
      }}
    />
  );
}
