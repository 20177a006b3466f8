import { useTranslation } from "react-i18next";
import type { Rank } from "@/features/backtests/reads";
import type { ParameterField } from "@/features/research/parameters";
import { DecimalField } from "@/kit/DecimalField";
import { TextField } from "@/kit/Field";
import { Select } from "@/kit/Select";

export interface SweepTerms {
  /** By parameter: `5:30:5`, `20,50,100`, one number, or nothing. */
  axes: Record<string, string>;
  /** Conditions with commas between, such as `fast<slow`. */
  where: string;
  sort: Rank;
  /** Parts of a walk-forward test; empty: none. */
  folds: string;
}

interface Props {
  fields: readonly ParameterField[];
  terms: SweepTerms;
  onChange: (terms: SweepTerms) => void;
  ranks: readonly Rank[];
}

const FOLDS_MAX = "50";

/** What a sweep varies, which combinations it leaves out, and what it is ranked by. */
export function SweepFields({ fields, terms, onChange, ranks }: Props) {
  const { t } = useTranslation("research");
  return (
    <>
      <p className="text-sm text-muted">{t("sweep.hint")}</p>
      <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        {fields.map((field) => (
          <TextField
            key={field.name}
            label={field.name}
            value={terms.axes[field.name] ?? ""}
            placeholder={field.normal}
            onChange={(text) => onChange({ ...terms, axes: { ...terms.axes, [field.name]: text } })}
            autoComplete="off"
            spellCheck={false}
          />
        ))}
        <TextField
          label={t("sweep.where")}
          value={terms.where}
          onChange={(where) => onChange({ ...terms, where })}
          autoComplete="off"
          spellCheck={false}
        />
        <Select
          label={t("sweep.sort")}
          value={terms.sort}
          onChange={(sort: Rank) => onChange({ ...terms, sort })}
          options={ranks.map((value) => ({ value, label: t(`figure.${value}`) }))}
        />
        <DecimalField label={t("sweep.folds")} value={terms.folds} onChange={(folds) => onChange({ ...terms, folds })} step="1" min="1" max={FOLDS_MAX} />
      </div>
    </>
  );
}
