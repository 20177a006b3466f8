import { DecimalField } from "@/kit/DecimalField";
import type { ParameterField } from "@/features/research/parameters";

interface Props {
  fields: readonly ParameterField[];
  values: Readonly<Record<string, string>>;
  onChange: (values: Record<string, string>) => void;
}

/** The parameters of a strategy, as its schema has them; an empty one keeps its default. */
export function ParameterFields({ fields, values, onChange }: Props) {
  return (
    <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
      {fields.map((field) => (
        <DecimalField
          key={field.name}
          label={field.name}
          value={values[field.name] ?? field.normal}
          onChange={(value) => onChange({ ...values, [field.name]: value })}
          step={field.isWhole ? "1" : undefined}
          min={field.min}
          max={field.max}
        />
      ))}
    </div>
  );
}
