import { Checkbox } from "@/kit/Checkbox";

interface Props {
  label: string;
  /** What none chosen means. */
  description?: string;
  options: readonly { value: number; label: string }[];
  chosen: readonly number[];
  onChange: (chosen: number[]) => void;
}

/** Any number of a few options. */
export function CheckList({ label, description, options, chosen, onChange }: Props) {
  return (
    <fieldset className="flex flex-col gap-1">
      <legend className="pb-1 text-xs text-muted">{label}</legend>
      <div className="flex max-h-48 flex-col gap-1 overflow-y-auto">
        {options.map(({ value, label: name }) => (
          <Checkbox
            key={value}
            label={name}
            checked={chosen.includes(value)}
            onChange={(on) => onChange([...chosen.filter((one) => one !== value), ...(on ? [value] : [])])}
          />
        ))}
      </div>
      {description !== undefined && <p className="text-xs text-muted">{description}</p>}
    </fieldset>
  );
}
