import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Order, Page } from "@/api/types";
import { HistoryGrid, type HistoryRequest } from "@/app/HistoryGrid";
import { useLedgerGroupings } from "@/app/groupings";
import { useOpenChart } from "@/app/openChart";
import { useScope } from "@/app/scope";
import { useOrderColumns } from "@/features/orders/columns";
import { OrderDrawer } from "@/features/orders/OrderDrawer";
import { Select } from "@/kit/Select";
import { useCan } from "@/lib/permissions";

const ReassignDialog = lazy(async () => ({ default: (await import("@/features/posttrade/ReassignDialog")).ReassignDialog }));

const STATES = ["all", "FILLED", "CANCELED", "REJECTED"] as const;

const updatedAt = (order: Order) => order.updated_at;

function readOrders(query: HistoryRequest) {
  return api.GET("/oms/orders/history", { params: { query } }) as Promise<{ data?: Page<Order>; response: Response }>;
}

/** Orders of any state, by days, the newest first. */
export default function OrderHistoryPage() {
  const { t } = useTranslation("orders");
  const scope = useScope();
  const [detail, setDetail] = useState<Order | null>(null);
  const [moved, setMoved] = useState<Order | null>(null);
  const can = useCan();
  const columns = useOrderColumns(true);
  const openChart = useOpenChart();
  const groupings = useLedgerGroupings(updatedAt);
  const actions = (order: Order) => [
    { id: "details", label: t("menu.details"), run: () => setDetail(order) },
    { id: "chart", label: t("menu.chart"), run: () => openChart(order.account_id, order.symbol, order.updated_at) },
    ...(can("reassign", order.account_id) ? [{ id: "reassign", label: t("menu.reassign"), run: () => setMoved(order) }] : []),
  ];
  return (
    <>
      <HistoryGrid<Order>
        id="orderHistory"
        name="orders"
        label={t("historyLabel")}
        empty={t("historyEmpty", { accounts: t("accounts", { ns: "common", count: scope.ids.length }) })}
        columns={columns}
        sortedBy="updated"
        renewedBy={["order_updated", "order_deleted"]}
        read={readOrders}
        onOpen={setDetail}
        actions={actions}
        groupings={groupings}
        filter={{
          name: "status",
          renderField: (status, choose) => (
            <Select
              label={t("filter.label")}
              hiddenLabel
              value={STATES.find((state) => state === status) ?? "all"}
              onChange={(next) => choose(next === "all" ? undefined : next)}
              options={STATES.map((value) => ({ value, label: t(`filter.${value}`) }))}
              className="w-32"
            />
          ),
        }}
      />
      {moved !== null && (
        <Suspense fallback={null}>
          <ReassignDialog orderIds={[moved.id]} onClose={() => setMoved(null)} />
        </Suspense>
      )}
      {detail !== null && <OrderDrawer order={detail} onClose={() => setDetail(null)} />}
    </>
  );
}
