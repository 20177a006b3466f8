import { useState } from "react";
import { useTranslation } from "react-i18next";
import { paramsOf, type Draft } from "@/features/trade/ticket";
import { FieldFrame, TextField } from "@/kit/Field";

interface Props {
  comment: string;
  params: string;
  onChange: (change: Partial<Draft>) => void;
}

/** What few orders need: a comment, and parameters that the exchange takes beyond the fields, as a JSON object. */
export function AdvancedFields({ comment, params, onChange }: Props) {
  const { t } = useTranslation("trade");
  const [open, setOpen] = useState(false);
  const invalid = paramsOf(params) === null;
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)} className="text-xs text-muted">
      <summary className="min-h-6 cursor-pointer">{t("advanced")}</summary>
      <div className="flex flex-col gap-2.5 pt-1">
        <TextField label={t("comment")} value={comment} onChange={(next) => onChange({ comment: next })} maxLength={255} />
        <FieldFrame label={t("params")} description={t("paramsHint")} error={invalid ? t("paramsInvalid") : undefined}>
          <textarea
            aria-label={t("params")}
            className="min-h-16 rounded border border-line bg-field p-2 font-mono text-xs text-fg"
            spellCheck={false}
            value={params}
            onChange={(event) => onChange({ params: event.target.value })}
          />
        </FieldFrame>
      </div>
    </details>
  );
}
