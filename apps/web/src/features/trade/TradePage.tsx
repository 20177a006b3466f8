import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { PageLoading } from "@/app/PageStates";
import { ActivityList } from "@/commands/ActivityList";
import { OrderTicket } from "@/features/trade/OrderTicket";
import { EmptyState } from "@/kit/EmptyState";
import { Panel } from "@/kit/Panel";
import { Tabs } from "@/kit/Tabs";
import { useCan } from "@/lib/permissions";
import { useLiveRows } from "@/live/hooks";
import { openOrders, openPositions } from "@/live/live";

const OpenPositions = lazy(async () => ({ default: (await import("@/features/positions/OpenPositions")).OpenPositions }));
const OpenOrders = lazy(async () => ({ default: (await import("@/features/orders/OpenOrders")).OpenOrders }));

/** The trade desk: positions, orders and activity, with the ticket beside them. */
export default function TradePage() {
  const { t } = useTranslation("trade");
  const can = useCan();
  const scope = useScope();
  const mayTrade = scope.accounts.some((account) => can("trade", account.account_id));
  return (
    <div className="flex min-h-0 flex-1 gap-2 p-2 max-lg:flex-col max-lg:overflow-y-auto">
      <Panel className="min-w-0 flex-1 max-lg:min-h-96">
        <Dock />
      </Panel>
      <Panel title={t("title")} className="w-80 shrink-0 overflow-y-auto max-lg:order-first max-lg:w-full">
        {mayTrade ? <OrderTicket /> : <EmptyState title={t("noAccount")} />}
      </Panel>
    </div>
  );
}

function Dock() {
  const { t } = useTranslation("trade");
  const [filters, setFilters] = useFilters("tab");
  const positions = useLiveRows(openPositions).length;
  const orders = useLiveRows(openOrders).length;
  return (
    <Suspense fallback={<PageLoading />}>
      <Tabs
        label={t("dock.label")}
        value={filters.tab ?? "positions"}
        onChange={(tab) => setFilters({ tab: tab === "positions" ? undefined : tab })}
        tabs={[
          { id: "positions", label: `${t("dock.positions")} ${positions}`, content: <OpenPositions /> },
          { id: "orders", label: `${t("dock.orders")} ${orders}`, content: <OpenOrders /> },
          {
            id: "activity",
            label: t("dock.activity"),
            content: (
              <div className="overflow-y-auto p-3">
                <ActivityList />
              </div>
            ),
          },
        ]}
      />
    </Suspense>
  );
}
