import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { NewKey } from "@/features/keys/reads";
import { Button } from "@/kit/Button";
import { Checkbox } from "@/kit/Checkbox";
import { CopyButton } from "@/kit/CopyButton";
import { Dialog } from "@/kit/Dialog";

/** The text of a new key, shown this once; it closes when the user says that it is saved. */
export function SecretDialog({ created, onClose }: { created: NewKey; onClose: () => void }) {
  const { t } = useTranslation("account");
  const [saved, setSaved] = useState(false);
  const text = created.api_key_plain;
  const closeIfSaved = () => {
    if (saved || text === null) onClose();
  };
  return (
    <Dialog
      open
      alert
      onClose={closeIfSaved}
      title={t("keys.secret.title", { id: created.api_key_id })}
      footer={
        <Button tone="primary" disabled={!saved && text !== null} onClick={onClose}>
          {t("action.close", { ns: "common" })}
        </Button>
      }
    >
      {text === null ? (
        <p className="text-sm text-warn">{t("keys.secret.lost")}</p>
      ) : (
        <>
          <p className="text-sm">{t("keys.secret.once")}</p>
          <code className="rounded border border-line bg-bg p-2 text-sm break-all select-all">
            {text}
          </code>
          <CopyButton text={() => text}>{t("keys.secret.copy")}</CopyButton>
          <Checkbox label={t("keys.secret.saved")} checked={saved} onChange={setSaved} />
        </>
      )}
      <p className="text-xs text-muted">{t("keys.secret.noRights")}</p>
    </Dialog>
  );
}
