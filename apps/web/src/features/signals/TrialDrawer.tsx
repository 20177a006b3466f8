import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { tryBody, type Source, type Trial } from "@/features/signals/reads";
import { exampleOf } from "@/features/signals/templates";
import { Button } from "@/kit/Button";
import { CopyButton } from "@/kit/CopyButton";
import { DetailDrawer, Facts } from "@/kit/DetailDrawer";
import { ErrorState } from "@/kit/ErrorState";
import { FieldFrame } from "@/kit/Field";
import { JsonView } from "@/kit/JsonView";
import { StatusPill } from "@/kit/StatusPill";
import { NOTHING, useFormats } from "@/lib/format";

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** Try a message with a source: what it would be taken for, and why it would be refused. Nothing is stored. */
export function TrialDrawer({ source, onClose }: { source: Source; onClose: () => void }) {
  const { t } = useTranslation("signals");
  const [text, setText] = useState(() => (source.kind === "strategy" ? "{}" : exampleOf(source.kind)));
  const [result, setResult] = useState<{ trial: Trial } | { error: unknown } | null>(null);
  const [busy, setBusy] = useState(false);
  const valid = isObject(text);
  const send = async () => {
    setBusy(true);
    try {
      setResult({ trial: await tryBody(source, text) });
    } catch (error) {
      setResult({ error });
    } finally {
      setBusy(false);
    }
  };
  return (
    <DetailDrawer open onClose={onClose} title={t("trial.title", { name: source.name })}>
      <p className="text-sm">{t("trial.text")}</p>
      <FieldFrame label={t("trial.body")} error={valid ? null : t("trial.invalid")}>
        <textarea
          aria-label={t("trial.body")}
          className="min-h-40 rounded border border-line bg-field p-2 font-mono text-xs"
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setResult(null);
          }}
        />
      </FieldFrame>
      <div className="flex gap-2">
        <Button tone="primary" disabled={!valid || busy} onClick={() => void send()}>
          {t("trial.send")}
        </Button>
        <CopyButton text={() => text}>{t("trial.copy")}</CopyButton>
      </div>
      {result !== null && "error" in result && <ErrorState error={result.error} compact />}
      {result !== null && "trial" in result && <TrialResult trial={result.trial} />}
    </DetailDrawer>
  );
}

function TrialResult({ trial }: { trial: Trial }) {
  const { t } = useTranslation("signals");
  const { number } = useFormats();
  const names = useAccountNames();
  return (
    <section className="flex flex-col gap-2" aria-label={t("trial.result")}>
      <Facts
        facts={[
          [t("trial.result"), <StatusPill key="result" tone={trial.stale ? "warn" : "good"}>{t(trial.stale ? "trial.stale" : "trial.taken")}</StatusPill>],
          [t("column.account", { ns: "common" }), trial.account_ids.map((id) => names(id).label).join(", ")],
          [t("column.symbol", { ns: "common" }), trial.symbol],
          [t("column.action"), t(`action.${trial.action}` as "action.buy", { defaultValue: trial.action })],
          [t("column.price"), number(trial.price)],
          [t("trial.qty"), trial.qty === null ? t("trial.sized") : number(trial.qty)],
          [t("trial.risk"), trial.risk === null ? NOTHING : ""],
        ]}
      />
      {trial.risk !== null && <JsonView value={trial.risk} />}
    </section>
  );
}
