import { useState } from "react";
import { useTranslation } from "react-i18next";
import { loadSession } from "@/api/session";
import { changeUser, isRole, type User } from "@/features/users/reads";
import { adminPhrase, RoleField } from "@/features/users/RoleField";
import { Confirm } from "@/kit/Confirm";
import { TextField } from "@/kit/Field";
import { toastDone } from "@/kit/toasts";
import { useMe } from "@/lib/permissions";

export interface UserDialogProps {
  user: User;
  onClose: () => void;
  onChanged: () => void;
}

/** Give a user another role. */
export function RoleDialog({ user, onClose, onChanged }: UserDialogProps) {
  const { t } = useTranslation("users");
  const before = isRole(user.role) ? user.role : "readonly";
  const [role, setRole] = useState(before);
  const isOwn = useMe().user.user_id === user.user_id;
  const name = user.user_name;
  return (
    <Confirm
      open
      onClose={onClose}
      tier={role === "admin" ? 4 : 3}
      {...adminPhrase(role, name)}
      danger={role === "admin"}
      disabled={role === user.role}
      title={t("changeRole.title", { name })}
      effect={t("changeRole.effect")}
      action={t("changeRole.action")}
      changes={role === before ? [] : [{ label: t("role"), before: t(`roles.${before}`), after: t(`roles.${role}`) }]}
      onConfirm={async (comment) => {
        await changeUser(user.user_id, { role }, comment);
        toastDone(t("changeRole.done", { name }));
        onChanged();
        if (isOwn) await loadSession();
      }}
    >
      <RoleField value={role} onChange={setRole} />
      {isOwn && <p className="text-sm text-warn">{t("changeRole.own")}</p>}
    </Confirm>
  );
}

/** Set another password; all sessions and tokens of the user end. */
export function PasswordDialog({ user, onClose, onChanged }: UserDialogProps) {
  const { t } = useTranslation("users");
  const [typed, setTyped] = useState({ next: "", again: "" });
  const differs = typed.again !== "" && typed.next !== typed.again;
  const name = user.user_name;
  return (
    <Confirm
      open
      onClose={onClose}
      tier={3}
      disabled={typed.next === "" || typed.next !== typed.again}
      title={t("password.title", { name })}
      effect={t("password.effect", { name })}
      action={t("password.action")}
      onConfirm={async (comment) => {
        await changeUser(user.user_id, { password: typed.next }, comment);
        toastDone(t("password.done", { name }));
        onChanged();
      }}
    >
      <TextField
        label={t("password.next")}
        type="password"
        autoComplete="new-password"
        value={typed.next}
        onChange={(next) => setTyped((before) => ({ ...before, next }))}
        required
      />
      <TextField
        label={t("password.again")}
        type="password"
        autoComplete="new-password"
        value={typed.again}
        onChange={(again) => setTyped((before) => ({ ...before, again }))}
        error={differs ? t("password.differs") : undefined}
        required
      />
    </Confirm>
  );
}
