import { useTranslation } from "react-i18next";
import { setKeyStatus, type Key, type Owner } from "@/features/keys/reads";
import { Confirm } from "@/kit/Confirm";
import { toastDone } from "@/kit/toasts";
import { commentRequired, useMe } from "@/lib/permissions";

interface StatusDialogProps {
  owner: Owner;
  target: Key;
  onClose: () => void;
  onChanged: () => void;
}

/** Disable a key, or enable it again. */
export function StatusDialog({ owner, target, onClose, onChanged }: StatusDialogProps) {
  const { t } = useTranslation("account");
  const me = useMe();
  const kind = target.status === "active" ? "disable" : "enable";
  const name = target.label ?? `#${target.id}`;
  return (
    <Confirm
      open
      onClose={onClose}
      tier={owner === "admin" ? 3 : 2}
      comment={commentRequired(me) ? "required" : "optional"}
      danger={kind === "disable"}
      title={t(`keys.${kind}.title`, { name })}
      effect={t(`keys.${kind}.effect`, { user: target.userName })}
      action={t(`keys.${kind}.action`)}
      onConfirm={async (comment) => {
        await setKeyStatus(owner, target, kind === "disable" ? "disabled" : "active", comment);
        toastDone(t(`keys.${kind}.done`, { name }));
        onChanged();
      }}
    >
      {me.api_key.api_key_id === target.id && kind === "disable" && (
        <p className="text-sm text-warn">{t("keys.disable.own")}</p>
      )}
    </Confirm>
  );
}
