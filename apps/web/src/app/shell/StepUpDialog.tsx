import { useState } from "react";
import { useTranslation } from "react-i18next";
import { confirmSession } from "@/api/session";
import { Button } from "@/kit/Button";
import { Dialog } from "@/kit/Dialog";
import { ErrorState } from "@/kit/ErrorState";
import { TextField } from "@/kit/Field";
import { useMe } from "@/lib/permissions";

/** Asks for the password, or the API key, when a change needs a confirmation. */
export function StepUpDialog({ answer }: { answer: (confirmed: boolean) => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const byKey = me.session?.mode === "api_key";
  const submit = async () => {
    if (typed === "" || busy) return;
    setBusy(true);
    setError(null);
    try {
      await confirmSession(byKey ? { api_key: typed } : { password: typed });
      answer(true);
    } catch (cause) {
      setError(cause);
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      alert
      onClose={() => answer(false)}
      title={t("stepUp.title")}
      onSubmit={() => void submit()}
      footer={
        <>
          <Button onClick={() => answer(false)}>{t("action.cancel")}</Button>
          <Button tone="primary" busy={busy} disabled={typed === ""} onClick={() => void submit()}>
            {t("stepUp.action")}
          </Button>
        </>
      }
    >
      <p>{t("stepUp.text")}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <TextField
          label={t(byKey ? "stepUp.apiKey" : "stepUp.password")}
          type="password"
          autoComplete={byKey ? "off" : "current-password"}
          value={typed}
          onChange={setTyped}
          autoFocus
        />
      </form>
      {error !== null && <ErrorState error={error} compact />}
    </Dialog>
  );
}
