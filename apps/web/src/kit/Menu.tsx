import { Menu as Base } from "@base-ui/react/menu";
import type { ReactElement, ReactNode } from "react";
import { ITEM, POPUP } from "@/kit/popup";
import { Icon } from "@/kit/Icon";
import { cx } from "@/lib/cx";

export type MenuItem =
  | { id: string; label: ReactNode; run: () => void; disabled?: boolean; danger?: boolean; checked?: boolean }
  | { id: string; heading: ReactNode };

export interface MenuProps {
  /** The element that opens the menu: a `Button`. */
  trigger: ReactElement;
  items: readonly MenuItem[];
  /** Stays open after a choice: for lists of checks. */
  keepOpen?: boolean;
}

export function Menu({ trigger, items, keepOpen = false }: MenuProps) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align="end" className="z-50">
          <Base.Popup className={cx(POPUP, "min-w-40")}>
            {items.map((item) =>
              "heading" in item ? (
                <div key={item.id} className="px-2 pt-2 pb-1 text-2xs text-muted uppercase">
                  {item.heading}
                </div>
              ) : (
                <Base.Item
                  key={item.id}
                  onClick={item.run}
                  disabled={item.disabled === true}
                  closeOnClick={!keepOpen}
                  className={cx(ITEM, item.danger === true && "text-down")}
                >
                  {item.checked !== undefined && (
                    <span className={cx("text-accent", !item.checked && "invisible")}>
                      <Icon name="check" size={12} />
                    </span>
                  )}
                  {item.label}
                </Base.Item>
              ),
            )}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
