import { useState, type ReactNode } from "react";
import { Confirm, type Change, type ConfirmProps } from "@/kit/Confirm";
import { DecimalField } from "@/kit/DecimalField";
import { cmp, sign, type Decimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";

export interface EditField {
  /** The name of the field in what is sent. */
  key: string;
  label: string;
  unit: string;
  /** The value now; it may change while the dialog is open. */
  known: Decimal | null;
  /** An empty field means "none"; else it means "as it is". */
  clears?: boolean;
  min?: Decimal | undefined;
  description?: ((value: Decimal | "") => string | undefined) | undefined;
}

type Values = Record<string, Decimal | null>;

interface Props extends Pick<ConfirmProps, "title" | "effect" | "action" | "environment" | "onClose"> {
  fields: readonly EditField[];
  children?: ReactNode;
  /** Sends the fields that were edited and differ from what is known, and no others. */
  onSend: (values: Values) => Promise<unknown>;
}

function isChange({ known, clears = false }: EditField, value: Decimal | ""): boolean {
  if (value === "") return clears && known !== null;
  return (clears || sign(value) > 0) && (known === null || cmp(value, known) !== 0);
}

/** Change decimals of a row: what changes is shown before it is sent. */
export function EditDialog({ fields, children, effect, onSend, ...rest }: Props) {
  const { number } = useFormats();
  const [edited, setEdited] = useState<Record<string, Decimal | "">>({});
  const values: Values = {};
  const changes: Change[] = [];
  for (const field of fields) {
    const value = edited[field.key];
    if (value === undefined || !isChange(field, value)) continue;
    values[field.key] = value === "" ? null : value;
    changes.push({ label: field.label, before: number(field.known), after: number(value === "" ? null : value) });
  }
  return (
    <Confirm
      {...rest}
      open
      tier={2}
      comment="none"
      danger={false}
      disabled={changes.length === 0}
      effect={effect}
      changes={changes}
      onConfirm={async () => void (await onSend(values))}
    >
      {children}
      {fields.map((field) => {
        const value = edited[field.key] ?? field.known ?? "";
        return (
          <DecimalField
            key={field.key}
            label={field.label}
            unit={field.unit}
            value={value}
            onChange={(next) => setEdited((before) => ({ ...before, [field.key]: next }))}
            min={field.min}
            description={field.description?.(value)}
          />
        );
      })}
    </Confirm>
  );
}
