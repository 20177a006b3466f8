import { useState, type FormEvent, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import type { Credentials } from "@/api/session";
import { Button } from "@/kit/Button";
import { TextField } from "@/kit/Field";
import { Icon } from "@/kit/Icon";

export interface LoginFormProps {
  busy: boolean;
  locked: boolean;
  onSubmit: (credentials: Credentials) => void;
}

interface SecretProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  autoComplete: string;
  autoFocus?: boolean;
}

/** A secret: hidden unless asked, with a hint when Caps Lock is on. */
function SecretField({ label, value, onChange, autoComplete, autoFocus = false }: SecretProps) {
  const { t } = useTranslation("auth");
  const [shown, setShown] = useState(false);
  const [caps, setCaps] = useState(false);
  const onKey = (event: KeyboardEvent) => setCaps(event.getModifierState("CapsLock"));
  return (
    <TextField
      label={label}
      type={shown ? "text" : "password"}
      value={value}
      onChange={onChange}
      onKeyUp={onKey}
      autoComplete={autoComplete}
      autoFocus={autoFocus}
      spellCheck={false}
      required
      {...(caps ? { description: t("capsLock") } : {})}
      trailing={
        <Button
          tone="quiet"
          className="h-6!"
          icon={<Icon name="eye" />}
          aria-label={t("show")}
          aria-pressed={shown}
          onClick={() => setShown(!shown)}
        />
      }
    />
  );
}

export function PasswordForm({ busy, locked, onSubmit }: LoginFormProps) {
  const { t } = useTranslation("auth");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit({ mode: "password", user_name: name.trim(), password });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3 pt-4">
      <TextField label={t("userName")} value={name} onChange={setName} autoComplete="username" autoFocus required spellCheck={false} />
      <SecretField label={t("password")} value={password} onChange={setPassword} autoComplete="current-password" />
      <Button tone="primary" type="submit" busy={busy} disabled={locked || name.trim() === "" || password === ""}>
        {t("submit")}
      </Button>
    </form>
  );
}

export function ApiKeyForm({ busy, locked, onSubmit }: LoginFormProps) {
  const { t } = useTranslation("auth");
  const [key, setKey] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit({ mode: "api_key", api_key: key.trim() });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3 pt-4">
      <SecretField label={t("apiKey")} value={key} onChange={setKey} autoComplete="off" autoFocus />
      <p className="text-xs text-muted">{t("keyNote")}</p>
      <Button tone="primary" type="submit" busy={busy} disabled={locked || key.trim() === ""}>
        {t("submit")}
      </Button>
    </form>
  );
}
