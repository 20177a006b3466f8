import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import { commentHeader } from "@/api/comment";
import { Button } from "@/kit/Button";
import { CommentField, isComment } from "@/kit/CommentField";
import { ErrorState } from "@/kit/ErrorState";
import { TextField } from "@/kit/Field";
import { toastDone } from "@/kit/toasts";
import { commentRequired, useMe } from "@/lib/permissions";

const EMPTY = { current: "", next: "", again: "", comment: "" };

/** Change the own password; the user's other sessions and tokens end. */
export function PasswordPanel() {
  const { t } = useTranslation("account");
  const me = useMe();
  const [typed, setTyped] = useState(EMPTY);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const differs = typed.again !== "" && typed.next !== typed.again;
  const withComment = commentRequired(me);
  const complete =
    typed.current !== "" && typed.next !== "" && typed.next === typed.again && (!withComment || isComment(typed.comment));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!complete || busy) return;
    setBusy(true);
    setError(null);
    try {
      const params = { header: commentHeader(typed.comment) };
      await call(api.POST("/user/password", { params, body: { current_password: typed.current, new_password: typed.next } }));
      setTyped(EMPTY);
      toastDone(t("password.done"));
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  const set = (name: keyof typeof EMPTY) => (value: string) => setTyped((before) => ({ ...before, [name]: value }));
  return (
    <form onSubmit={(event) => void submit(event)} className="flex w-full max-w-sm flex-col gap-3 p-4">
      <p className="text-sm text-muted">{t("password.text")}</p>
      <input type="text" autoComplete="username" value={me.user.user_name} readOnly hidden />
      <TextField label={t("password.current")} type="password" autoComplete="current-password" value={typed.current} onChange={set("current")} required />
      <TextField label={t("password.next")} type="password" autoComplete="new-password" value={typed.next} onChange={set("next")} required />
      <TextField
        label={t("password.again")}
        type="password"
        autoComplete="new-password"
        value={typed.again}
        onChange={set("again")}
        error={differs ? t("password.differs") : undefined}
        required
      />
      {withComment && <CommentField value={typed.comment} onChange={set("comment")} />}
      <Button tone="primary" type="submit" busy={busy} disabled={!complete} className="self-start">
        {t("password.action")}
      </Button>
      {error !== null && <ErrorState error={error} compact />}
    </form>
  );
}
