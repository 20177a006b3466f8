import { Select as Base } from "@base-ui/react/select";
import type { ReactNode } from "react";
import { FieldFrame, INPUT } from "@/kit/Field";
import { Icon } from "@/kit/Icon";
import { ITEM, POPUP } from "@/kit/popup";
import { cx } from "@/lib/cx";

export interface Option<Value extends string | number> {
  value: Value;
  label: string;
  disabled?: boolean;
}

export interface SelectProps<Value extends string | number> {
  label: string;
  hiddenLabel?: boolean;
  /** After the label. */
  hint?: ReactNode;
  value: Value | null;
  onChange: (value: Value) => void;
  options: readonly Option<Value>[];
  placeholder?: string;
  disabled?: boolean;
  className?: string;
}

/** One of a few options. For many, or to search, use `Combobox`. */
export function Select<Value extends string | number>(props: SelectProps<Value>) {
  const { label, value, onChange, options, placeholder, disabled, className } = props;
  return (
    <FieldFrame label={label} hint={props.hint} hiddenLabel={props.hiddenLabel === true} {...(className ? { className } : {})}>
      <Base.Root
        value={value}
        onValueChange={(next) => next !== null && onChange(next)}
        items={options}
        disabled={disabled === true}
      >
        <Base.Trigger aria-label={label} className={cx(INPUT, "flex items-center justify-between gap-1")}>
          <span className="truncate" title={options.find((option) => option.value === value)?.label}>
            <Base.Value>
              {(current: Value | null) =>
                options.find((option) => option.value === current)?.label ?? (
                  <span className="text-muted">{placeholder}</span>
                )
              }
            </Base.Value>
          </span>
          <Base.Icon className="text-muted">
            <Icon name="down" size={12} />
          </Base.Icon>
        </Base.Trigger>
        <Base.Portal>
          <Base.Positioner sideOffset={4} alignItemWithTrigger={false} className="z-50">
            <Base.Popup className={cx(POPUP, "min-w-(--anchor-width)")}>
              {options.map((option) => (
                <Base.Item
                  key={option.value}
                  value={option.value}
                  disabled={option.disabled === true}
                  className={ITEM}
                >
                  <Base.ItemText>{option.label}</Base.ItemText>
                  <Base.ItemIndicator className="ms-auto text-accent">
                    <Icon name="check" size={12} />
                  </Base.ItemIndicator>
                </Base.Item>
              ))}
            </Base.Popup>
          </Base.Positioner>
        </Base.Portal>
      </Base.Root>
    </FieldFrame>
  );
}
