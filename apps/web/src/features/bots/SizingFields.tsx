import { useTranslation } from "react-i18next";
import { DecimalField } from "@/kit/DecimalField";
import { Segmented } from "@/kit/Segmented";
import { Select } from "@/kit/Select";
import type { Decimal } from "@/lib/decimal";

const SIZINGS = ["position_pct", "notional", "pct_equity", "qty", "risk_pct"] as const;
export type SizingKind = (typeof SIZINGS)[number];

export interface SizingChoice {
  kind: SizingKind;
  value: Decimal | "";
  mode: "observe" | "trade";
}

interface Props {
  choice: SizingChoice;
  onChange: (choice: SizingChoice) => void;
}

/** How large the orders of a bot are, and whether it sends them. */
export function SizingFields({ choice, onChange }: Props) {
  const { t } = useTranslation("research");
  return (
    <>
      <Select
        label={t("bot.sizing")}
        value={choice.kind}
        onChange={(kind: SizingKind) => onChange({ ...choice, kind })}
        options={SIZINGS.map((value) => ({ value, label: t(`sizing.${value}`) }))}
      />
      <DecimalField label={t("bot.size")} value={choice.value} onChange={(value) => onChange({ ...choice, value })} />
      <span className="flex flex-col gap-1">
        <span className="text-xs text-muted">{t("bot.mode")}</span>
        <Segmented
          label={t("bot.mode")}
          value={choice.mode}
          onChange={(mode) => onChange({ ...choice, mode })}
          segments={(["observe", "trade"] as const).map((value) => ({ value, label: t(`modes.${value}`) }))}
        />
      </span>
    </>
  );
}
