import { Toast as Base } from "@base-ui/react/toast";
import { useTranslation } from "react-i18next";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { toasts } from "@/kit/toasts";
import { cx } from "@/lib/cx";

const SHOWN = 3;

function List() {
  const { t } = useTranslation();
  const { toasts: shown } = Base.useToastManager();
  return shown.map((toast) => (
    <Base.Root
      key={toast.id}
      toast={toast}
      swipeDirection={[]}
      className={cx(
        "rounded border bg-panel p-3 shadow-(--shadow) transition-opacity data-[ending-style]:opacity-0 data-[limited]:hidden",
        toast.type === "error" ? "border-down" : "border-line",
      )}
    >
      <Base.Content className="flex items-start gap-2">
        <span className={toast.type === "error" ? "text-down" : "text-up"}>
          <Icon name={toast.type === "error" ? "warn" : "check"} />
        </span>
        <span className="flex min-w-0 flex-1 flex-col">
          <Base.Title className="text-sm font-medium" />
          <Base.Description className="text-xs break-words text-muted" />
        </span>
        <Base.Close
          render={<Button tone="quiet" icon={<Icon name="close" size={12} />} aria-label={t("action.close")} />}
        />
      </Base.Content>
    </Base.Root>
  ));
}

/** Results at the bottom, beside the ticket; every one is in the list of activity too. */
export function Toasts() {
  return (
    <Base.Provider toastManager={toasts} limit={SHOWN} timeout={4000}>
      <Base.Portal>
        <Base.Viewport className="fixed inset-x-0 bottom-4 z-50 mx-auto flex w-80 max-w-[calc(100vw-32px)] flex-col gap-2 max-sm:bottom-16">
          <List />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}
