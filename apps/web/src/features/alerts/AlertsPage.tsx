import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useReadState } from "@/app/readState";
import { useAccountNames, useScope } from "@/app/scope";
import { ALERTS_QUERY, deleteAlert, useAlerts, type Alert } from "@/features/alerts/reads";
import { NewAlertDialog } from "@/features/alerts/NewAlertDialog";
import { Button } from "@/kit/Button";
import { Confirm } from "@/kit/Confirm";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import type { Column } from "@/kit/grid/types";
import { Icon } from "@/kit/Icon";
import { toastDone } from "@/kit/toasts";
import { onEvents } from "@/live/live";
import { useFormats } from "@/lib/format";
import { useCan } from "@/lib/permissions";

/** Each alert is read from the worker of its account: so many accounts are asked at once. */
const ACCOUNTS_MAX = 20;

function useColumns(): readonly Column<Alert>[] {
  const { t } = useTranslation("alerts");
  const { time, number } = useFormats();
  const names = useAccountNames();
  return useMemo(
    (): Column<Alert>[] => [
      { id: "created", header: t("created"), kind: "time", width: 142, grow: 0, priority: 3, value: (row) => row.created_at, cell: (row) => time(row.created_at) },
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 4, value: (row) => row.id },
      { id: "account", header: t("column.account", { ns: "common" }), kind: "text", width: 120, value: (row) => names(row.account_id).label },
      { id: "symbol", header: t("column.symbol", { ns: "common" }), kind: "text", width: 130, priority: 1, value: (row) => row.symbol },
      { id: "condition", header: t("condition"), kind: "text", width: 110, priority: 1, value: (row) => t(`conditions.${row.condition}`) },
      { id: "price", header: t("price"), kind: "decimal", width: 110, priority: 1, value: (row) => row.price, cell: (row) => number(row.price) },
      { id: "note", header: t("note"), kind: "text", width: 260, grow: 2, value: (row) => row.note },
    ],
    [t, time, number, names],
  );
}

/** Alerts that say when a price is reached. */
export default function AlertsPage() {
  const { t } = useTranslation("alerts");
  const scope = useScope();
  const client = useQueryClient();
  const accounts = scope.ids.slice(0, ACCOUNTS_MAX);
  const alerts = useAlerts(accounts);
  const stateOf = useReadState();
  const can = useCan();
  const columns = useColumns();
  const [isNew, setNew] = useState(false);
  const [removed, setRemoved] = useState<Alert | null>(null);
  useEffect(() => onEvents(["price_alert"], () => void client.invalidateQueries({ queryKey: ALERTS_QUERY })), [client]);
  const renew = () => void client.invalidateQueries({ queryKey: ALERTS_QUERY });
  return (
    <>
      <DataGrid
        id="alerts"
        label={t("label")}
        columns={columns}
        rows={alerts.data ?? []}
        state={stateOf(alerts)}
        empty={<EmptyState title={t("empty")}>{t("emptyHint")}</EmptyState>}
        defaultSort={{ id: "created", desc: true }}
        exportName="price-alerts"
        actions={(alert) =>
          can("trade", alert.account_id)
            ? [{ id: "remove", label: t("remove.action"), danger: true, run: () => setRemoved(alert) }]
            : []
        }
        toolbar={
          <>
            {can("trade") && (
              <Button tone="primary" icon={<Icon name="plus" />} onClick={() => setNew(true)}>
                {t("create.title")}
              </Button>
            )}
            {scope.ids.length > ACCOUNTS_MAX && <p className="text-xs text-warn">{t("some", { count: ACCOUNTS_MAX })}</p>}
          </>
        }
      />
      {isNew && <NewAlertDialog accounts={scope.accounts} onClose={() => setNew(false)} onCreated={renew} />}
      {removed !== null && (
        <Confirm
          open
          onClose={() => setRemoved(null)}
          tier={2}
          comment="none"
          title={t("remove.title", { symbol: removed.symbol })}
          effect={t("remove.effect")}
          action={t("remove.action")}
          onConfirm={async () => {
            await deleteAlert(removed);
            toastDone(t("remove.done"));
            renew();
          }}
        />
      )}
    </>
  );
}
