import { Dialog as Base } from "@base-ui/react/dialog";
import type { KeyboardEvent, ReactNode, RefObject } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { cx } from "@/lib/cx";

export interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  children: ReactNode;
  footer?: ReactNode;
  /** Acts on a live account: an amber edge says so. */
  live?: boolean;
  /** What Ctrl+Enter does. */
  onSubmit?: (() => void) | undefined;
  initialFocus?: RefObject<HTMLElement | null> | undefined;
  size?: "small" | "wide";
  /** An alert dialog does not close by a click outside. */
  alert?: boolean;
}

/** A dialog in the middle of the page; focus stays inside and returns to the opener. */
export function Dialog(props: DialogProps) {
  const { open, onClose, title, children, footer, onSubmit, size = "small" } = props;
  const { t } = useTranslation();
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    // A key that is held down opened the dialog: it does not confirm it too.
    if (!event.repeat) onSubmit?.();
  };
  return (
    <Base.Root
      open={open}
      onOpenChange={(next) => !next && onClose()}
      disablePointerDismissal={props.alert === true}
    >
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-black/50" />
        <Base.Viewport className="fixed inset-0 z-40 grid place-items-center overflow-y-auto p-3">
          <Base.Popup
            initialFocus={props.initialFocus}
            role={props.alert === true ? "alertdialog" : "dialog"}
            onKeyDown={onKeyDown}
            className={cx(
              "flex max-h-[calc(100dvh-24px)] w-full flex-col rounded border border-line bg-panel shadow-(--shadow) outline-none",
              size === "wide" ? "max-w-3xl" : "max-w-md",
              props.live === true && "border-t-2 border-t-live",
            )}
          >
            <header className="flex items-center justify-between gap-2 border-b border-line px-4 py-2.5">
              <Base.Title className="text-base font-semibold">{title}</Base.Title>
              <Button tone="quiet" icon={<Icon name="close" />} aria-label={t("action.dismiss")} onClick={onClose} />
            </header>
            <div className="flex min-h-0 flex-col gap-3 overflow-y-auto p-4">{children}</div>
            {footer !== undefined && (
              <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-2.5">{footer}</footer>
            )}
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}
