import { cloneElement, lazy, Suspense, useRef, useState, type ReactElement, type ReactNode } from "react";
import type { ButtonProps } from "@/kit/Button";

export type MenuItem =
  | { id: string; label: ReactNode; run: () => void; disabled?: boolean; danger?: boolean; checked?: boolean }
  | { id: string; heading: ReactNode };

export interface MenuProps {
  /** The element that opens the menu: a `Button`. */
  trigger: ReactElement<ButtonProps>;
  items: readonly MenuItem[];
  /** Stays open after a choice: for lists of checks. */
  keepOpen?: boolean;
}

const MenuPopup = lazy(async () => ({ default: (await import("@/kit/MenuPopup")).MenuPopup }));

/**
 * A button and the menu that it opens. Only the open menu exists as one: a table has a button in
 * each row, and a menu behind each took most of the time of drawing it.
 */
export function Menu({ trigger, items, keepOpen = false }: MenuProps) {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  return (
    <>
      {cloneElement(trigger, {
        ref: button,
        "aria-haspopup": "menu",
        "aria-expanded": open,
        onClick: () => setOpen(!open),
        onKeyDown: (event) => {
          if (event.key !== "ArrowDown" || open) return;
          event.preventDefault();
          event.stopPropagation();
          setOpen(true);
        },
      })}
      {open && (
        <Suspense fallback={null}>
          <MenuPopup anchor={button} items={items} keepOpen={keepOpen} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
