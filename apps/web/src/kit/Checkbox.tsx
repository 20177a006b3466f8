import { useEffect, useRef, type ReactNode } from "react";
import { cx } from "@/lib/cx";

export interface CheckboxProps {
  label: ReactNode;
  hiddenLabel?: boolean;
  checked: boolean | "mixed";
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}

export function Checkbox({ label, hiddenLabel, checked, onChange, disabled }: CheckboxProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current !== null) input.current.indeterminate = checked === "mixed";
  }, [checked]);
  return (
    <label className="inline-flex min-h-6 items-center gap-2 text-sm">
      <input
        ref={input}
        type="checkbox"
        checked={checked === true}
        disabled={disabled === true}
        onChange={(event) => onChange(event.target.checked)}
        className="checkbox"
      />
      <span className={cx(hiddenLabel === true && "sr-only")}>{label}</span>
    </label>
  );
}
