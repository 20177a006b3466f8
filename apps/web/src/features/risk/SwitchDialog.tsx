import { useTranslation } from "react-i18next";
import { setAllowed, setStatus, useRenewAccounts, type AccountRow } from "@/features/risk/reads";
import { Confirm } from "@/kit/Confirm";
import { toastDone } from "@/kit/toasts";

export type SwitchName = "block" | "unblock" | "forbid" | "allow";

interface SwitchDialogProps {
  account: Pick<AccountRow, "id" | "label" | "environment">;
  kind: SwitchName;
  onClose: () => void;
}

/** Change a switch of an account; the comment says why. */
export function SwitchDialog({ account, kind, onClose }: SwitchDialogProps) {
  const { t } = useTranslation("risk");
  const renew = useRenewAccounts();
  const isStatus = kind === "block" || kind === "unblock";
  const word = (on: boolean) => t(isStatus ? (on ? "status.active" : "status.blocked") : on ? "allowed.yes" : "allowed.no");
  const opens = kind === "unblock" || kind === "allow";
  return (
    <Confirm
      open
      onClose={onClose}
      tier={3}
      title={t(`switch.${kind}.title`)}
      effect={t(`switch.${kind}.effect`, { account: account.label })}
      action={t(`switch.${kind}.action`)}
      danger={!opens}
      environment={account.environment}
      changes={[{ label: t(isStatus ? "column.status" : "column.allowed"), before: word(!opens), after: word(opens) }]}
      onConfirm={async (comment) => {
        await (isStatus
          ? setStatus(account.id, kind === "block" ? "blocked" : "active", comment)
          : setAllowed(account.id, kind === "allow", comment));
        await renew();
        toastDone(t(`switch.${kind}.done`, { account: account.label }));
      }}
    />
  );
}
