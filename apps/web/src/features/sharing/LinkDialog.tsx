import { useState } from "react";
import { useTranslation } from "react-i18next";
import { addressOf } from "@/app/shared";
import { Button } from "@/kit/Button";
import { Checkbox } from "@/kit/Checkbox";
import { Dialog } from "@/kit/Dialog";
import { OnceText } from "@/kit/OnceText";

/** The address of a new link, shown this once; it closes when the user says that it is saved. */
export function LinkDialog({ token, onClose }: { token: string; onClose: () => void }) {
  const { t } = useTranslation("sharing");
  const [saved, setSaved] = useState(false);
  return (
    <Dialog
      open
      alert
      onClose={() => saved && onClose()}
      title={t("once.title")}
      footer={
        <Button tone="primary" disabled={!saved} onClick={onClose}>
          {t("action.close", { ns: "common" })}
        </Button>
      }
    >
      <p className="text-sm">{t("once.text")}</p>
      <OnceText label={t("once.address")} text={addressOf(token)} />
      <Checkbox label={t("once.saved")} checked={saved} onChange={setSaved} />
    </Dialog>
  );
}
