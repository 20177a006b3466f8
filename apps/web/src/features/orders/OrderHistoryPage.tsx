import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Order, Page } from "@/api/types";
import { HistoryFilters } from "@/app/HistoryFilters";
import { useHistory } from "@/app/history";
import { usePeriod } from "@/app/period";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { useOrderColumns } from "@/features/orders/columns";
import { OrderDrawer } from "@/features/orders/OrderDrawer";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import { Select } from "@/kit/Select";
import { useLiveEvents } from "@/live/hooks";

const STATES = ["all", "FILLED", "CANCELED", "REJECTED"] as const;

/** Orders of any state, by days, the newest first. */
export default function OrderHistoryPage() {
  const { t } = useTranslation("orders");
  const scope = useScope();
  const days = usePeriod();
  const [filters, setFilters, filtered] = useFilters("symbol", "status");
  const [detail, setDetail] = useState<Order | null>(null);
  const columns = useOrderColumns(true);
  const history = useHistory<Order>({
    name: "orders",
    accounts: scope.parameter,
    period: days,
    filters,
    read: (query) =>
      api.GET("/oms/orders/history", { params: { query: { ...query, ...filters } } }) as Promise<{
        data?: Page<Order>;
        response: Response;
      }>,
  });
  useLiveEvents(["snapshot_done"], history.refresh);
  return (
    <>
      <DataGrid
        id="orderHistory"
        label={t("historyLabel")}
        columns={columns}
        rows={history.rows}
        state={history.state}
        empty={
          <EmptyState title={t("historyEmpty", { accounts: t("accounts", { ns: "common", count: scope.ids.length }) })} />
        }
        onClearFilters={filtered ? () => setFilters({ symbol: undefined, status: undefined }) : undefined}
        defaultSort={{ id: "updated", desc: true }}
        exportName="orders"
        onOpen={setDetail}
        onEnd={history.more}
        toolbar={
          <HistoryFilters
            days={days}
            symbol={filters.symbol ?? ""}
            onSymbol={(symbol) => setFilters({ symbol })}
            onRefresh={history.refresh}
          >
            <Select
              label={t("filter.label")}
              hiddenLabel
              value={STATES.find((state) => state === filters.status) ?? "all"}
              onChange={(status) => setFilters({ status: status === "all" ? undefined : status })}
              options={STATES.map((value) => ({ value, label: t(`filter.${value}`) }))}
              className="w-32"
            />
          </HistoryFilters>
        }
      />
      {detail !== null && <OrderDrawer order={detail} onClose={() => setDetail(null)} />}
    </>
  );
}
