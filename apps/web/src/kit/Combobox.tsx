import { Combobox as Base } from "@base-ui/react/combobox";
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

/** One of many options, found by typing. */
export function Combobox<Value extends string | number>(props: ComboboxProps<Value>) {
  const { t } = useTranslation();
  const { label, value, onChange, options, className } = props;
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
