import { useContext, useEffect, useId, useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { Field as Base } from "@base-ui/react/field";
import { Button } from "@/kit/Button";
import { FieldFrame, INPUT } from "@/kit/Field";
import { UnreadableFields } from "@/kit/unreadable";
import { cx } from "@/lib/cx";
import { add, cmp, floorToStep, fmt, mul, readInput, sign, sub, type Decimal } from "@/lib/decimal";

export interface DecimalFieldProps {
  label: string;
  /** The decimal, `""` for none. Kept as text, never rounded. */
  value: Decimal | "";
  onChange: (value: Decimal | "") => void;
  unit?: string | undefined;
  /** The value must be a multiple; arrow keys change by it (Shift: ten times). */
  step?: Decimal | undefined;
  min?: Decimal | undefined;
  max?: Decimal | undefined;
  required?: boolean;
  disabled?: boolean;
  error?: string | undefined;
  description?: string | undefined;
  autoFocus?: boolean;
  className?: string;
}

/** The values next to one that is no multiple of the step. */
function neighbours(value: Decimal, step: Decimal | undefined): Decimal[] {
  if (step === undefined || sign(step) <= 0) return [];
  const below = floorToStep(value, step);
  if (cmp(below, value) === 0) return [];
  return [below, add(below, step)].filter((item) => sign(item) > 0);
}

/**
 * A decimal as text: accepts `.` and the language's mark, shows what it understood, offers the
 * nearest valid values instead of rounding. Text that is no decimal is an empty value; a `Confirm`
 * and the ticket are locked while a field holds such text.
 */
export function DecimalField(props: DecimalFieldProps) {
  const { label, value, onChange, unit, step, min, max, disabled, className, autoFocus } = props;
  const { t, i18n } = useTranslation();
  const locale = i18n.language;
  const [typed, setTyped] = useState<{ text: string; value: string }>({ text: value, value });
  const text = typed.value === value ? typed.text : value;
  const offered = value === "" ? [] : neighbours(value, step);

  const take = (next: string, read: Decimal | "") => {
    setTyped({ text: next, value: read });
    if (read !== value) onChange(read);
  };
  const change = (next: string) => take(next, next.trim() === "" ? "" : (readInput(next, locale) ?? ""));
  const unreadable = text.trim() !== "" && value === "";
  const report = useContext(UnreadableFields);
  const id = useId();
  useEffect(() => {
    report(id, unreadable);
    return () => report(id, false);
  }, [report, id, unreadable]);
  const problem = unreadable
    ? t("decimal.unreadable")
    : offered.length > 0
      ? t("decimal.step", { step })
      : value !== "" && min !== undefined && cmp(value, min) < 0
        ? t("decimal.min", { min: fmt(min, { locale }) })
        : value !== "" && max !== undefined && cmp(value, max) > 0
          ? t("decimal.max", { max: fmt(max, { locale }) })
          : undefined;
  const shown = value === "" ? "" : fmt(value, { locale });
  const echo = value !== "" && text.trim() !== value && shown !== text.trim() ? `= ${shown}` : undefined;

  const onKeyDown = (event: KeyboardEvent) => {
    if (step === undefined || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    const by = event.shiftKey ? mul(step, "10") : step;
    const start = value === "" ? "0" : value;
    const next = event.key === "ArrowUp" ? add(start, by) : sub(start, by);
    if (sign(next) >= 0) take(next, next);
  };

  return (
    <FieldFrame
      label={label}
      hint={echo ?? unit}
      error={props.error ?? problem}
      {...(props.description === undefined ? {} : { description: props.description })}
      {...(className === undefined ? {} : { className })}
    >
      <Base.Control
        value={text}
        onValueChange={change}
        onKeyDown={onKeyDown}
        inputMode="decimal"
        autoComplete="off"
        autoFocus={autoFocus}
        required={props.required}
        disabled={disabled}
        className={cx(INPUT, "num text-end")}
      />
      {offered.length > 0 && (
        <span className="flex gap-1">
          {offered.map((item) => (
            <Button key={item} onClick={() => take(item, item)} className="num h-6! px-2!">
              {fmt(item, { locale })}
            </Button>
          ))}
        </span>
      )}
    </FieldFrame>
  );
}
