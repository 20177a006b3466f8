import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { commands, isEnded } from "@/commands/tracker";
import { Button } from "@/kit/Button";
import { Spinner } from "@/kit/Spinner";
import { Icon } from "@/kit/Icon";
import { useStore } from "@/lib/store";

const ActivityDrawer = lazy(async () => ({ default: (await import("@/app/shell/ActivityDrawer")).ActivityDrawer }));

/** How many commands are on their way; opens the list of what this page sent. */
export function ActivityButton() {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const pending = useStore(commands).filter((command) => !isEnded(command.state)).length;
  return (
    <>
      <Button
        tone="quiet"
        className="max-sm:hidden"
        icon={pending > 0 ? <Spinner /> : <Icon name="history" />}
        aria-label={pending > 0 ? t("command.pending", { count: pending }) : t("command.activity")}
        onClick={() => setOpen(!open)}
      />
      {open && (
        <Suspense fallback={null}>
          <ActivityDrawer onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
