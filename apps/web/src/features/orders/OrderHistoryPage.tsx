import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Order, Page } from "@/api/types";
import { HistoryGrid, type HistoryRequest } from "@/app/HistoryGrid";
import { useScope } from "@/app/scope";
import { useOrderColumns } from "@/features/orders/columns";
import { OrderDrawer } from "@/features/orders/OrderDrawer";
import { Select } from "@/kit/Select";

const STATES = ["all", "FILLED", "CANCELED", "REJECTED"] as const;

function readOrders(query: HistoryRequest) {
  return api.GET("/oms/orders/history", { params: { query } }) as Promise<{ data?: Page<Order>; response: Response }>;
}

/** Orders of any state, by days, the newest first. */
export default function OrderHistoryPage() {
  const { t } = useTranslation("orders");
  const scope = useScope();
  const [detail, setDetail] = useState<Order | null>(null);
  const columns = useOrderColumns(true);
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
      {detail !== null && <OrderDrawer order={detail} onClose={() => setDetail(null)} />}
    </>
  );
}
