import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CredentialsDialog } from "@/features/signals/CredentialsDialog";
import { rotateSource, type Credentials, type Source } from "@/features/signals/reads";
import { Checkbox } from "@/kit/Checkbox";
import { Confirm } from "@/kit/Confirm";
import { Select } from "@/kit/Select";
import { commentRequired, useMe } from "@/lib/permissions";

/** How long old credentials still count: at once renewed, or so many hours. */
const KEPT_HOURS = [0, 1, 24, 168] as const;

interface Props {
  source: Source;
  onClose: () => void;
  onRotated: () => void;
}

/** Renew path token or secret of a source, then show the new ones once. */
export function RotateDialog({ source, onClose, onRotated }: Props) {
  const { t } = useTranslation("signals");
  const me = useMe();
  const [created, setCreated] = useState<Credentials | null>(null);
  const [token, setToken] = useState(true);
  const [secret, setSecret] = useState(source.has_secret);
  const [hours, setHours] = useState<number>(1);
  if (created !== null) return <CredentialsDialog created={created} onClose={onClose} />;
  return (
    <Confirm
      open
      onClose={onClose}
      staysOpen
      tier={3}
      comment={commentRequired(me) ? "required" : "optional"}
      disabled={!token && !secret}
      title={t("rotate.title", { name: source.name })}
      effect={hours === 0 ? t("rotate.now") : t("rotate.later", { count: hours })}
      action={t("rotate.action")}
      onConfirm={async (comment) => {
        setCreated(await rotateSource(source, { path_token: token, secret }, hours * 3600, comment));
        onRotated();
      }}
    >
      <Checkbox label={t("rotate.token")} checked={token} onChange={setToken} />
      <Checkbox label={t("rotate.secret")} checked={secret} onChange={setSecret} />
      <Select
        label={t("rotate.keep")}
        value={hours}
        onChange={setHours}
        options={KEPT_HOURS.map((value) => ({ value, label: value === 0 ? t("rotate.none") : t("rotate.hours", { count: value }) }))}
      />
    </Confirm>
  );
}
