import { Checkbox as Base } from "@base-ui/react/checkbox";
import type { ReactNode } from "react";
import { Icon } from "@/kit/Icon";
import { cx } from "@/lib/cx";

export interface CheckboxProps {
  label: ReactNode;
  hiddenLabel?: boolean;
  checked: boolean | "mixed";
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}

export function Checkbox({ label, hiddenLabel, checked, onChange, disabled }: CheckboxProps) {
  return (
    <label className="inline-flex min-h-6 items-center gap-2 text-sm">
      <Base.Root
        checked={checked === true}
        indeterminate={checked === "mixed"}
        onCheckedChange={onChange}
        disabled={disabled === true}
        className="grid size-4 place-items-center rounded-sm border border-line bg-bg data-[checked]:border-accent data-[checked]:bg-accent data-[indeterminate]:border-accent"
      >
        <Base.Indicator className="text-[var(--on-accent)] data-[indeterminate]:text-accent">
          <Icon name={checked === "mixed" ? "more" : "check"} size={12} />
        </Base.Indicator>
      </Base.Root>
      <span className={cx(hiddenLabel === true && "sr-only")}>{label}</span>
    </label>
  );
}
