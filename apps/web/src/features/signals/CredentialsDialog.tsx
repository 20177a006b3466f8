import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Credentials } from "@/features/signals/reads";
import { addressOf, templateOf } from "@/features/signals/templates";
import { Button } from "@/kit/Button";
import { Checkbox } from "@/kit/Checkbox";
import { Dialog } from "@/kit/Dialog";
import { OnceText } from "@/kit/OnceText";

/** Address, secret and message for the sender, shown this once; it closes when the user says that they are saved. */
export function CredentialsDialog({ created, onClose }: { created: Credentials; onClose: () => void }) {
  const { t } = useTranslation("signals");
  const [saved, setSaved] = useState(false);
  const { source, path_token: token, secret } = created;
  const kind = source.kind === "strategy" ? null : source.kind;
  return (
    <Dialog
      open
      alert
      onClose={() => saved && onClose()}
      title={t("credentials.title", { name: source.name })}
      footer={
        <Button tone="primary" disabled={!saved} onClick={onClose}>
          {t("action.close", { ns: "common" })}
        </Button>
      }
    >
      <p className="text-sm">{t("credentials.once")}</p>
      {kind !== null && token !== null && <OnceText label={t("credentials.address")} text={addressOf(kind, token)} />}
      {secret !== null && <OnceText label={t("credentials.secret")} text={secret} />}
      {kind !== null && <OnceText label={t("credentials.message")} text={templateOf(kind, secret)} />}
      <p className="text-xs text-muted">{t("credentials.hint")}</p>
      <Checkbox label={t("credentials.saved")} checked={saved} onChange={setSaved} />
    </Dialog>
  );
}
