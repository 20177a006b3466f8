import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Order } from "@/api/types";
import { useLedgerGroupings } from "@/app/groupings";
import { useOpenChart } from "@/app/openChart";
import { SavedViews } from "@/app/SavedViews";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { CancelDialog, CancelManyDialog } from "@/features/orders/CancelDialog";
import { ChangeDialog } from "@/features/orders/ChangeDialog";
import { useOrderColumns } from "@/features/orders/columns";
import { OrderDrawer } from "@/features/orders/OrderDrawer";
import { Button } from "@/kit/Button";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import type { MenuItem } from "@/kit/Menu";
import { SearchField } from "@/kit/SearchField";
import { useCan } from "@/lib/permissions";
import { useLiveRows } from "@/live/hooks";
import { openOrders } from "@/live/live";
import { useFeedState } from "@/live/useFeed";

const ReassignDialog = lazy(async () => ({ default: (await import("@/features/posttrade/ReassignDialog")).ReassignDialog }));

const VIEW_FILTERS = ["symbol"];

type Opened = { kind: "details" | "change" | "cancel" | "reassign"; order: Order } | { kind: "many" } | null;

/** Open orders, live: cancel, change, details. */
export function OpenOrders() {
  const { t } = useTranslation("orders");
  const scope = useScope();
  const can = useCan();
  const [filters, setFilters, filtered] = useFilters("symbol");
  const all = useLiveRows(openOrders);
  const wanted = (filters.symbol ?? "").toLowerCase();
  const rows = useMemo(() => all.filter((row) => row.symbol.toLowerCase().includes(wanted)), [all, wanted]);
  const state = useFeedState(scope.ids);
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [opened, setOpened] = useState<Opened>(null);
  const chosen = rows.filter((row) => selected.has(row.id));
  const columns = useOrderColumns(false);
  const openChart = useOpenChart();
  const groupings = useLedgerGroupings<Order>();

  const actions = (order: Order): MenuItem[] => [
    { id: "details", label: t("menu.details"), run: () => setOpened({ kind: "details", order }) },
    { id: "chart", label: t("menu.chart"), run: () => openChart(order.account_id, order.symbol) },
    ...(can("trade", order.account_id)
      ? [{ id: "change", label: t("menu.change"), run: () => setOpened({ kind: "change", order }) }]
      : []),
    ...(can("reassign", order.account_id)
      ? [{ id: "reassign", label: t("menu.reassign"), run: () => setOpened({ kind: "reassign", order }) }]
      : []),
    ...(can("cancel", order.account_id)
      ? [{ id: "cancel", label: t("menu.cancel"), danger: true, run: () => setOpened({ kind: "cancel", order }) }]
      : []),
  ];

  return (
    <>
      <DataGrid
        id="orders"
        label={t("openLabel")}
        columns={columns}
        rows={rows}
        store={openOrders}
        groupings={groupings}
        state={state}
        empty={<EmptyState title={t("openEmpty", { accounts: t("accounts", { ns: "common", count: scope.ids.length }) })} />}
        onClearFilters={filtered ? () => setFilters({ symbol: undefined }) : undefined}
        defaultSort={{ id: "id", desc: true }}
        exportName="open-orders"
        actions={actions}
        onOpen={(order) => setOpened({ kind: "details", order })}
        onAct={(order) => can("cancel", order.account_id) && setOpened({ kind: "cancel", order })}
        {...(can("cancel") ? { selected, onSelect: setSelected } : {})}
        toolbar={
          <>
            <SearchField
              label={t("period.symbol", { ns: "common" })}
              value={filters.symbol ?? ""}
              onChange={(symbol) => setFilters({ symbol: symbol || undefined })}
            />
            <SavedViews grid="orders" filters={VIEW_FILTERS} />
            {chosen.length > 0 && (
              <Button tone="danger" onClick={() => setOpened({ kind: "many" })}>
                {t("cancel.many", { count: chosen.length })}
              </Button>
            )}
          </>
        }
      />
      <Opened opened={opened} chosen={chosen} onClose={() => setOpened(null)} />
    </>
  );
}

function Opened({ opened, chosen, onClose }: { opened: Opened; chosen: readonly Order[]; onClose: () => void }) {
  if (opened === null) return null;
  if (opened.kind === "many") return <CancelManyDialog orders={chosen} onClose={onClose} />;
  // The row leaves the store when the order ends; the dialog stays to show what became of it.
  const props = { order: openOrders.get(opened.order.id) ?? opened.order, onClose };
  switch (opened.kind) {
    case "details":
      return <OrderDrawer {...props} />;
    case "reassign":
      return (
        <Suspense fallback={null}>
          <ReassignDialog orderIds={[opened.order.id]} onClose={onClose} />
        </Suspense>
      );
    case "change":
      return <ChangeDialog {...props} />;
    case "cancel":
      return <CancelDialog {...props} />;
  }
}
