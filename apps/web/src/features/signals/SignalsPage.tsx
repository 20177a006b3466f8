import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLedgerColumns } from "@/app/columns";
import { HistoryGrid } from "@/app/HistoryGrid";
import { useScope } from "@/app/scope";
import { readSignals, useSources, type Signal } from "@/features/signals/reads";
import { SignalDrawer } from "@/features/signals/SignalDrawer";
import { SignalStatus } from "@/features/signals/SignalStatus";
import { useSignalReason } from "@/features/signals/words";
import type { Column } from "@/kit/grid/types";
import { Select } from "@/kit/Select";
import { useCan } from "@/lib/permissions";
import { usePreference } from "@/lib/preferences";

const STATUSES = ["all", "queued", "done", "blocked", "ignored", "failed"] as const;

function useColumns(): readonly Column<Signal>[] {
  const { t } = useTranslation("signals");
  const ledger = useLedgerColumns<Signal>();
  const reason = useSignalReason();
  // A trader reads signals but no sources: without a name the number stands for it.
  const sources = useSources(useCan()("admin"));
  return useMemo((): Column<Signal>[] => {
    const names = new Map(sources.data?.map((source) => [source.id, source.name]));
    const sourceOf = (row: Signal) => (row.source_id === 0 ? t(`kind.${row.kind}`) : (names.get(row.source_id) ?? `#${row.source_id}`));
    return [
      ledger.time("received", t("column.received"), (row) => row.received_at),
      ledger.id,
      ledger.account,
      ledger.environment,
      ledger.text("source", t("column.source"), sourceOf, { width: 104 }),
      ledger.text("kind", t("column.kind"), (row) => t(`kind.${row.kind}`), { width: 96, priority: 4 }),
      ledger.strategy,
      ledger.symbol,
      ledger.text("action", t("column.action"), (row) => t(`action.${row.action}`), { width: 104, priority: 1 }),
      ledger.price("price", t("column.price"), (row) => row.price, { priority: 3 }),
      {
        ...ledger.text("status", t("column.status"), (row) => row.status, { width: 96, priority: 1 }),
        cell: (row: Signal) => <SignalStatus status={row.status} />,
      },
      ledger.text("reason", t("column.reason"), (row) => reason(row), { width: 260, grow: 3 }),
      ledger.text("orders", t("column.orders"), (row) => row.order_ids.join(", ") || null, { width: 80, priority: 3 }),
      ledger.text("repeats", t("column.repeats"), (row) => (row.duplicate_count === 0 ? null : String(row.duplicate_count)), {
        width: 72,
        priority: 4,
      }),
    ];
  }, [t, ledger, reason, sources.data]);
}

/** What alert senders sent, and what became of it. */
export default function SignalsPage() {
  const { t } = useTranslation("signals");
  const scope = useScope();
  const zone = usePreference("zone");
  const [shown, setShown] = useState<Signal | null>(null);
  return (
    <>
      <HistoryGrid<Signal>
        id="signals"
        name="signals"
        label={t("label")}
        empty={t("empty", { accounts: t("accounts", { ns: "common", count: scope.ids.length }) })}
        columns={useColumns()}
        sortedBy="received"
        renewedBy={["signal_received", "signal_done", "signal_blocked", "signal_ignored", "signal_failed"]}
        read={(query) => readSignals(query, zone)}
        onOpen={setShown}
        actions={(signal) => [{ id: "details", label: t("details"), run: () => setShown(signal) }]}
        filter={{
          name: "status",
          renderField: (status, choose) => (
            <Select
              label={t("column.status")}
              hiddenLabel
              value={STATUSES.find((one) => one === status) ?? "all"}
              onChange={(next) => choose(next === "all" ? undefined : next)}
              options={STATUSES.map((value) => ({ value, label: t(`status.${value}`) }))}
              className="w-32"
            />
          ),
        }}
      />
      {shown !== null && <SignalDrawer signal={shown} onClose={() => setShown(null)} />}
    </>
  );
}
