import { useState } from "react";
import { useTranslation } from "react-i18next";
import { DiscrepancyInbox } from "@/features/posttrade/DiscrepancyInbox";
import { ReconcileCards } from "@/features/posttrade/ReconcileCards";
import { RunDialog } from "@/features/posttrade/RunDialog";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { useCan } from "@/lib/permissions";

/** How recent each account's comparison with its exchange is, and the differences to decide. */
export default function ReconcilePage() {
  const { t } = useTranslation("posttrade");
  const can = useCan();
  const [running, setRunning] = useState<readonly number[] | null>(null);
  return (
    <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">
      <ReconcileCards onRun={can("reconcile") ? (id) => setRunning([id]) : undefined}>
        {(ids) =>
          can("reconcile") &&
          ids.length > 1 && (
            <Button className="self-start" icon={<Icon name="refresh" />} onClick={() => setRunning(ids)}>
              {t("run.all")}
            </Button>
          )
        }
      </ReconcileCards>
      <DiscrepancyInbox />
      {running !== null && <RunDialog accounts={running} onClose={() => setRunning(null)} />}
    </div>
  );
}
