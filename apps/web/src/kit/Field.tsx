import { Field as Base } from "@base-ui/react/field";
import type { InputHTMLAttributes, ReactNode, Ref } from "react";
import { cx } from "@/lib/cx";

export const INPUT =
  "h-(--control) w-full rounded border border-line bg-field px-2 text-sm text-fg placeholder:text-muted " +
  "disabled:opacity-50 data-[invalid]:border-down";

interface FrameProps {
  label: ReactNode;
  /** A word after the label, such as a unit. */
  hint?: ReactNode;
  description?: ReactNode;
  error?: ReactNode;
  hiddenLabel?: boolean;
  className?: string;
  children: ReactNode;
}

/** Label, control, description and error, tied together for assistive technology. */
export function FieldFrame({ label, hint, description, error, hiddenLabel, className, children }: FrameProps) {
  const invalid = error !== undefined && error !== null && error !== false && error !== "";
  return (
    <Base.Root invalid={invalid} className={cx("flex min-w-0 flex-col gap-1", className)}>
      <Base.Label className={cx("flex justify-between text-xs text-muted", hiddenLabel && "sr-only")}>
        <span>{label}</span>
        {hint !== undefined && <span>{hint}</span>}
      </Base.Label>
      {children}
      {description !== undefined && (
        <Base.Description className="text-2xs text-muted">{description}</Base.Description>
      )}
      {invalid && (
        <Base.Error match className="text-2xs text-down">
          {error}
        </Base.Error>
      )}
    </Base.Root>
  );
}

export interface TextFieldProps
  extends Omit<FrameProps, "children">, Omit<InputHTMLAttributes<HTMLInputElement>, "onChange" | "value" | "className"> {
  value: string;
  onChange: (value: string) => void;
  ref?: Ref<HTMLInputElement>;
  trailing?: ReactNode;
}

/** One line of text. */
export function TextField(props: TextFieldProps) {
  const { label, hint, description, error, hiddenLabel, className, value, onChange, trailing, ref, ...input } = props;
  const frame = { label, hint, description, error, hiddenLabel, className };
  return (
    <FieldFrame {...dropUndefined(frame)} label={label}>
      <span className="relative flex">
        <Base.Control
          {...input}
          ref={ref}
          value={value}
          onValueChange={onChange}
          className={cx(INPUT, trailing !== undefined && "pe-8")}
        />
        {trailing !== undefined && <span className="absolute inset-y-0 end-1 flex items-center">{trailing}</span>}
      </span>
    </FieldFrame>
  );
}

/** The properties that were given. */
function dropUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Partial<T>;
}
