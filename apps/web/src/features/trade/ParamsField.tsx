import { useTranslation } from "react-i18next";
import { paramsOf } from "@/features/trade/ticket";
import { FieldFrame } from "@/kit/Field";

interface Props {
  value: string;
  onChange: (params: string) => void;
}

/** Parameters that the exchange takes beyond the fields, as a JSON object; closed while there are none. */
export function ParamsField({ value, onChange }: Props) {
  const { t } = useTranslation("trade");
  const invalid = paramsOf(value) === null;
  return (
    <details open={value !== "" || undefined} className="text-xs text-muted">
      <summary className="min-h-6 cursor-pointer">{t("advanced")}</summary>
      <FieldFrame label={t("params")} description={t("paramsHint")} error={invalid ? t("paramsInvalid") : undefined} className="pt-1">
        <textarea
          aria-label={t("params")}
          className="min-h-16 rounded border border-line bg-bg p-2 font-mono text-xs text-fg"
          spellCheck={false}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      </FieldFrame>
    </details>
  );
}
