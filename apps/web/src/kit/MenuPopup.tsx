import { Menu as Base } from "@base-ui/react/menu";
import type { RefObject } from "react";
import { Icon } from "@/kit/Icon";
import type { MenuItem } from "@/kit/Menu";
import { ITEM, POPUP } from "@/kit/popup";
import { cx } from "@/lib/cx";

interface Props {
  anchor: RefObject<HTMLButtonElement | null>;
  items: readonly MenuItem[];
  keepOpen: boolean;
  onClose: () => void;
}

/** An open menu beside the button that opened it; the focus goes back to that. */
export function MenuPopup({ anchor, items, keepOpen, onClose }: Props) {
  // The button opens and closes the menu by itself: also the very click that opened it arrives here.
  const isOfButton = ({ reason, event }: Base.Root.ChangeEventDetails) =>
    (reason === "outside-press" || reason === "focus-out") &&
    [event.target, "relatedTarget" in event ? event.relatedTarget : null].some((one) => one instanceof Node && anchor.current?.contains(one) === true);
  return (
    <Base.Root open modal={false} onOpenChange={(open, details) => !open && !isOfButton(details) && onClose()}>
      <Base.Portal>
        <Base.Positioner anchor={anchor} sideOffset={4} align="end" className="z-50">
          <Base.Popup finalFocus={anchor} className={cx(POPUP, "min-w-40")}>
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
