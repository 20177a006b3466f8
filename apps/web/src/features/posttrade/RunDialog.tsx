import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import { useAccountNames } from "@/app/scope";
import { Button } from "@/kit/Button";
import { Dialog } from "@/kit/Dialog";
import { ErrorState } from "@/kit/ErrorState";
import { useErrorText } from "@/kit/errorText";
import { TextField } from "@/kit/Field";
import { Segmented } from "@/kit/Segmented";
import { StatusPill } from "@/kit/StatusPill";
import { dayBefore, dayOf } from "@/lib/time";

type Result = components["schemas"]["Reconciled"];
const SCOPES = ["short", "hourly", "long", "period"] as const;
type Scope = (typeof SCOPES)[number];

/** Compare accounts with their exchanges now, and list what each run found. */
export function RunDialog({ accounts, onClose }: { accounts: readonly number[]; onClose: () => void }) {
  const { t } = useTranslation("posttrade");
  const names = useAccountNames();
  const client = useQueryClient();
  const zone = "utc";
  const [now] = useState(() => new Date());
  const today = dayOf(now, zone);
  const [scope, setScope] = useState<Scope>("short");
  const [first, setFirst] = useState(() => dayBefore(now, 1, zone));
  const [last, setLast] = useState(today);
  const run = useMutation({
    mutationFn: () => {
      const period = { start_date: `${first}T00:00:00Z`, end_date: `${last}T23:59:59Z` };
      const body = { account_ids: [...accounts], scope, ...(scope === "period" ? period : {}) };
      return call(api.POST("/oms/reconcile", { body }));
    },
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["reconcile"] });
      void client.invalidateQueries({ queryKey: ["discrepancies"] });
    },
  });
  const complete = scope !== "period" || (first !== "" && last !== "" && first <= last);
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("run.title", { accounts: accounts.map((id) => names(id).label).join(", ") })}
      footer={
        <>
          <Button onClick={onClose}>{t("action.close", { ns: "common" })}</Button>
          <Button tone="primary" disabled={!complete} busy={run.isPending} onClick={() => run.mutate()}>
            {t("run.now")}
          </Button>
        </>
      }
    >
      <p className="text-sm text-muted">{t("run.text")}</p>
      <Segmented
        label={t("run.scope")}
        value={scope}
        onChange={setScope}
        segments={SCOPES.map((value) => ({ value, label: t(`run.${value}`) }))}
      />
      {scope === "period" && (
        <div className="flex gap-2">
          <TextField label={t("run.first")} type="date" max={today} value={first} onChange={setFirst} />
          <TextField label={t("run.last")} type="date" max={today} value={last} onChange={setLast} />
        </div>
      )}
      {run.error !== null && <ErrorState error={run.error} compact />}
      {run.data !== undefined && !run.isPending && (
        <ul aria-label={t("run.results")} className="num text-sm">
          {run.data.results.map((row) => (
            <ResultLine key={row.account_id} row={row} />
          ))}
        </ul>
      )}
    </Dialog>
  );
}

function ResultLine({ row }: { row: Result }) {
  const { t } = useTranslation("posttrade");
  const text = useErrorText();
  const label = useAccountNames()(row.account_id).label;
  const unknown = row.error?.outcome === "unknown";
  const counts = { trades: row.new_deals ?? 0, orders: row.new_orders ?? 0, differences: row.discrepancies ?? 0 };
  return (
    <li className="flex flex-col gap-0.5 border-t border-line py-1">
      <span className="flex justify-between gap-2">
        <span>{label}</span>
        <StatusPill tone={row.ok ? "good" : unknown ? "warn" : "bad"}>
          {t(row.ok ? "outcome.done" : unknown ? "outcome.unknown" : "outcome.rejected")}
        </StatusPill>
      </span>
      <span className="text-xs text-muted">{row.error === null ? t("run.found", counts) : text(row.error)}</span>
    </li>
  );
}
