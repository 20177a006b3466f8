import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { useStrategies } from "@/api/strategies";
import type { Order } from "@/api/types";
import { HistoryFilters } from "@/app/HistoryFilters";
import { useHistory, type PageAnswer } from "@/app/history";
import { usePeriod } from "@/app/period";
import { SavedViews } from "@/app/SavedViews";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { useOrderColumns } from "@/features/orders/columns";
import { OrderDrawer } from "@/features/orders/OrderDrawer";
import { ReassignDialog } from "@/features/posttrade/ReassignDialog";
import { Button } from "@/kit/Button";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import { Select } from "@/kit/Select";
import { useCan } from "@/lib/permissions";

const VIEW_FILTERS = ["period", "symbol", "strategy"] as const;

const EVENTS = ["reassigned", "deal_updated", "snapshot_done"];

/** All states but REJECTED: such an order has no deals, and nothing of it would move. */
const STATES = "PENDING_SUBMIT,UNKNOWN,SUBMITTED,PARTIALLY_FILLED,FILLED,CANCELED,EXPIRED";

/** Orders that belong to no strategy, such as those entered at the exchange, and where they go. */
export default function ReassignPage() {
  const { t } = useTranslation("reassign");
  const scope = useScope();
  const can = useCan();
  const days = usePeriod();
  const strategies = useStrategies().data ?? [];
  const [filters, setFilters] = useFilters("symbol", "strategy");
  const strategy = strategies.find((one) => String(one.strategy_id) === filters.strategy)?.strategy_id ?? 0;
  const columns = useOrderColumns(true);
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [moving, setMoving] = useState<readonly number[] | null>(null);
  const [detail, setDetail] = useState<Order | null>(null);
  const symbol = filters.symbol;
  const history = useHistory<Order>({
    name: "reassign",
    renewedBy: EVENTS,
    accounts: scope.parameter,
    period: days,
    filters: { symbol, strategy: String(strategy) },
    read: (query) =>
      api.GET("/oms/orders/history", {
        params: { query: { ...query, status: STATES, strategy_id: strategy, ...(symbol === undefined ? {} : { symbol }) } },
      }) as Promise<PageAnswer<Order>>,
  });
  const allowed = (row: Order) => can("reassign", row.account_id);
  const chosen = history.rows.filter((row) => selected.has(row.id) && allowed(row)).map((row) => row.id);
  const close = () => {
    setMoving(null);
    setSelected(new Set());
  };
  return (
    <>
      <DataGrid
        id="reassign"
        label={t("label")}
        columns={columns}
        rows={history.rows}
        state={history.state}
        empty={<EmptyState title={t("empty", { accounts: t("accounts", { ns: "common", count: scope.ids.length }) })} />}
        onClearFilters={
          symbol !== undefined || strategy !== 0 ? () => setFilters({ symbol: undefined, strategy: undefined }) : undefined
        }
        defaultSort={{ id: "updated", desc: true }}
        exportName="reassign"
        onOpen={setDetail}
        onEnd={history.more}
        selected={selected}
        onSelect={setSelected}
        actions={(row) => [
          { id: "details", label: t("details"), run: () => setDetail(row) },
          ...(allowed(row) ? [{ id: "reassign", label: t("one"), run: () => setMoving([row.id]) }] : []),
        ]}
        toolbar={
          <HistoryFilters days={days} symbol={symbol ?? ""} onSymbol={(next) => setFilters({ symbol: next })} onRefresh={history.refresh}>
            <Select
              label={t("from")}
              hiddenLabel
              value={strategy}
              onChange={(next) => setFilters({ strategy: next === 0 ? undefined : String(next) })}
              options={[
                { value: 0, label: t("none") },
                ...strategies.map((one) => ({ value: one.strategy_id, label: one.name })),
              ]}
              className="w-40"
            />
            <SavedViews grid="reassign" filters={VIEW_FILTERS} />
            {chosen.length > 0 && (
              <Button tone="primary" onClick={() => setMoving(chosen)}>
                {t("many", { count: chosen.length })}
              </Button>
            )}
          </HistoryFilters>
        }
      />
      {detail !== null && <OrderDrawer order={detail} onClose={() => setDetail(null)} />}
      {moving !== null && <ReassignDialog orderIds={moving} onClose={close} />}
    </>
  );
}
