import { Combobox as Base } from "@base-ui/react/combobox";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { FieldFrame, INPUT } from "@/kit/Field";
import { ITEM, POPUP } from "@/kit/popup";
import type { Option } from "@/kit/Select";
import { cx } from "@/lib/cx";

const SHOWN = 100;

export interface ComboboxProps<Value extends string | number> {
  label: string;
  hiddenLabel?: boolean;
  value: Value | null;
  onChange: (value: Value | null) => void;
  options: readonly Option<Value>[];
  placeholder?: string;
  disabled?: boolean;
  error?: string | undefined;
  className?: string;
}

function isSame<Value extends string | number>(a: readonly Option<Value>[], b: readonly Option<Value>[]): boolean {
  const same = (one: Option<Value>, index: number) => {
    const other = b[index];
    return one.value === other?.value && one.label === other.label && one.disabled === other.disabled;
  };
  return a.length === b.length && a.every(same);
}

/** The options as they first came, while they are the same: with others the field drops what is being typed. */
function useSame<Value extends string | number>(options: readonly Option<Value>[]): readonly Option<Value>[] {
  const [kept, keep] = useState(options);
  if (kept === options || isSame(kept, options)) return kept;
  keep(options);
  return options;
}

/** One of many options, found by typing. */
export function Combobox<Value extends string | number>(props: ComboboxProps<Value>) {
  const { t } = useTranslation();
  const { label, value, onChange, className } = props;
  const options = useSame(props.options);
  const selected = options.find((option) => option.value === value) ?? null;
  return (
    <FieldFrame
      label={label}
      error={props.error}
      hiddenLabel={props.hiddenLabel === true}
      {...(className ? { className } : {})}
    >
      <Base.Root
        items={options}
        value={selected}
        onValueChange={(next) => onChange(next?.value ?? null)}
        itemToStringLabel={(option: Option<Value>) => option.label}
        isItemEqualToValue={(a: Option<Value>, b: Option<Value>) => a.value === b.value}
        disabled={props.disabled === true}
        limit={SHOWN}
        autoHighlight
      >
        <Base.Input placeholder={props.placeholder} aria-label={label} className={INPUT} />
        <Base.Portal>
          <Base.Positioner sideOffset={4} className="z-50">
            <Base.Popup className={cx(POPUP, "min-w-(--anchor-width)")}>
              <Base.Empty className="px-2 py-1 text-muted empty:hidden">{t("combobox.none")}</Base.Empty>
              <Base.List>
                {(option: Option<Value>) => (
                  <Base.Item key={option.value} value={option} disabled={option.disabled === true} className={ITEM}>
                    {option.label}
                  </Base.Item>
                )}
              </Base.List>
            </Base.Popup>
          </Base.Positioner>
        </Base.Portal>
      </Base.Root>
    </FieldFrame>
  );
}
