import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { NewKey } from "@/features/keys/reads";
import { SecretDialog } from "@/features/keys/SecretDialog";
import { createUser, type UserDraft } from "@/features/users/reads";
import { adminPhrase, RoleField } from "@/features/users/RoleField";
import { Confirm } from "@/kit/Confirm";
import { TextField } from "@/kit/Field";

const EMPTY: UserDraft = { name: "", role: "trader", password: "", keyLabel: "" };

/** Create a user with a first API key, then show the key once. */
export function NewUserDialog({ onClose, onCreated }: { onClose: () => void; onCreated: () => void }) {
  const { t } = useTranslation("users");
  const [draft, setDraft] = useState(EMPTY);
  const [created, setCreated] = useState<NewKey | null>(null);
  const set = (change: Partial<UserDraft>) => setDraft((before) => ({ ...before, ...change }));
  if (created !== null) return <SecretDialog created={created} onClose={onClose} />;
  return (
    <Confirm
      open
      onClose={onClose}
      staysOpen
      tier={draft.role === "admin" ? 4 : 3}
      {...adminPhrase(draft.role, draft.name.trim())}
      danger={draft.role === "admin"}
      disabled={draft.name.trim() === ""}
      title={t("create.title")}
      effect={t("create.effect")}
      action={t("create.action")}
      onConfirm={async (comment) => {
        const key = await createUser(draft, comment);
        setDraft(EMPTY);
        setCreated(key);
        onCreated();
      }}
    >
      <TextField
        label={t("name")}
        value={draft.name}
        onChange={(name) => set({ name })}
        maxLength={128}
        autoComplete="off"
        spellCheck={false}
        required
      />
      <RoleField value={draft.role} onChange={(role) => set({ role })} />
      <TextField
        label={t("create.password")}
        description={t("create.passwordHint")}
        type="password"
        value={draft.password}
        onChange={(password) => set({ password })}
        autoComplete="new-password"
      />
      <TextField
        label={t("create.keyLabel")}
        value={draft.keyLabel}
        onChange={(keyLabel) => set({ keyLabel })}
        maxLength={128}
        autoComplete="off"
      />
    </Confirm>
  );
}
