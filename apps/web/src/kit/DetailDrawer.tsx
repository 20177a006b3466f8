import { Dialog as Base } from "@base-ui/react/dialog";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";

export interface DetailDrawerProps {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  children: ReactNode;
}

/** Everything about one row, at the side of the page; the page stays usable. */
export function DetailDrawer({ open, onClose, title, children }: DetailDrawerProps) {
  const { t } = useTranslation();
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()} modal={false} disablePointerDismissal>
      <Base.Portal>
        <Base.Popup className="fixed inset-y-0 end-0 z-30 flex w-[420px] max-w-full flex-col border-s border-line bg-panel shadow-(--shadow) outline-none">
          <header className="flex items-center justify-between gap-2 border-b border-line px-4 py-2.5">
            <Base.Title className="text-base font-semibold">{title}</Base.Title>
            <Button tone="quiet" icon={<Icon name="close" />} aria-label={t("action.close")} onClick={onClose} />
          </header>
          <div className="flex min-h-0 flex-1 flex-col gap-4 overflow-y-auto p-4">{children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** Names and values, such as the fields of a row. */
export function Facts({ facts }: { facts: readonly (readonly [label: string, value: ReactNode])[] }) {
  return (
    <dl className="num grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-sm">
      {facts.map(([label, value]) => (
        <div key={label} className="contents">
          <dt className="text-muted">{label}</dt>
          <dd className="text-end break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
