import { useState } from "react";
import { useTranslation } from "react-i18next";
import { changeAccount, POSITION_MODES, type AccountChange, type AdminAccount, type PositionMode } from "@/features/accounts/reads";
import { Confirm, type Change } from "@/kit/Confirm";
import { TextField } from "@/kit/Field";
import { Select } from "@/kit/Select";
import { toastDone } from "@/kit/toasts";
import { NOTHING } from "@/lib/format";

export interface AccountDialogProps {
  account: AdminAccount;
  onClose: () => void;
  onChanged: () => void;
}

/** Change name, owner and position mode. */
export function SettingsDialog({ account, onClose, onChanged }: AccountDialogProps) {
  const { t } = useTranslation("accounts");
  const [label, setLabel] = useState(account.label);
  const [owner, setOwner] = useState(account.trader_name ?? "");
  const [mode, setMode] = useState(account.position_mode);
  const name = label.trim();
  const trader = owner.trim() === "" ? null : owner.trim();
  const isMode = POSITION_MODES.find((one) => one === mode);
  const change: AccountChange = {
    ...(name === account.label ? {} : { label: name }),
    ...(trader === account.trader_name ? {} : { trader_name: trader }),
    ...(mode === account.position_mode || isMode === undefined ? {} : { position_mode: isMode }),
  };
  const changes: Change[] = [
    ...(change.label === undefined ? [] : [{ label: t("label"), before: account.label, after: name }]),
    ...(change.trader_name === undefined ? [] : [{ label: t("owner"), before: account.trader_name ?? NOTHING, after: trader ?? NOTHING }]),
    ...(change.position_mode === undefined ? [] : [{ label: t("positionMode"), before: account.position_mode, after: mode }]),
  ];
  return (
    <Confirm
      open
      onClose={onClose}
      tier={3}
      danger={false}
      environment={account.environment}
      disabled={name === "" || changes.length === 0}
      title={t("settings.title", { account: account.label })}
      effect={t("settings.effect")}
      action={t("settings.action")}
      changes={changes}
      onConfirm={async (comment) => {
        await changeAccount(account.id, change, comment);
        toastDone(t("settings.done", { account: name }));
        onChanged();
      }}
    >
      <TextField label={t("label")} value={label} onChange={setLabel} maxLength={128} autoComplete="off" required />
      <TextField label={t("owner")} description={t("ownerHint")} value={owner} onChange={setOwner} maxLength={128} autoComplete="off" />
      <Select
        label={t("positionMode")}
        value={mode as PositionMode}
        onChange={setMode}
        options={POSITION_MODES.map((value) => ({ value, label: t(`mode.${value}`) }))}
      />
    </Confirm>
  );
}

const NO_CREDENTIALS = { api_key: "", secret: "", passphrase: "" };
type CredentialName = keyof typeof NO_CREDENTIALS;

/** Store credentials. They are sealed by the gateway; no page and no answer shows them again. */
export function CredentialsDialog({ account, onClose, onChanged }: AccountDialogProps) {
  const { t } = useTranslation("accounts");
  const [typed, setTyped] = useState(NO_CREDENTIALS);
  const replaces = account.api_key_enc !== null;
  const given = Object.fromEntries(Object.entries(typed).filter(([, text]) => text !== ""));
  const field = (name: CredentialName) => (
    <TextField
      label={t(`credentials.${name}`)}
      type="password"
      autoComplete="new-password"
      spellCheck={false}
      value={typed[name]}
      onChange={(text) => setTyped((before) => ({ ...before, [name]: text.trim() }))}
    />
  );
  return (
    <Confirm
      open
      onClose={onClose}
      tier={replaces ? 4 : 3}
      {...(replaces ? { phrase: `REPLACE ${account.id}` } : {})}
      danger={replaces}
      environment={account.environment}
      disabled={Object.keys(given).length === 0 || (!replaces && (typed.api_key === "" || typed.secret === ""))}
      title={t("credentials.title", { account: account.label })}
      effect={t(replaces ? "credentials.replace" : "credentials.effect")}
      action={t("credentials.action")}
      onConfirm={async (comment) => {
        await changeAccount(account.id, { credentials: given }, comment);
        setTyped(NO_CREDENTIALS);
        toastDone(t("credentials.done", { account: account.label }));
        onChanged();
      }}
    >
      {field("api_key")}
      {field("secret")}
      {field("passphrase")}
    </Confirm>
  );
}

/** Let an account of environment live trade, or stop it from trading. */
export function LiveDialog({ account, onClose, onChanged }: AccountDialogProps) {
  const { t } = useTranslation("accounts");
  const kind = account.live_enabled ? "liveOff" : "liveOn";
  return (
    <Confirm
      open
      onClose={onClose}
      tier={account.live_enabled ? 3 : 4}
      {...(account.live_enabled ? {} : { phrase: `LIVE ${account.label}` })}
      environment={account.environment}
      title={t(`${kind}.title`, { account: account.label })}
      effect={t(`${kind}.effect`)}
      action={t(`${kind}.action`)}
      onConfirm={async (comment) => {
        await changeAccount(account.id, { live_enabled: !account.live_enabled }, comment);
        toastDone(t(`${kind}.done`, { account: account.label }));
        onChanged();
      }}
    />
  );
}
