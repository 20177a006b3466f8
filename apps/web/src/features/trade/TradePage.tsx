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
import { useShortcut } from "@/lib/shortcuts";
import { useCan } from "@/lib/permissions";
import { useLiveRows } from "@/live/hooks";
import { openOrders, openPositions } from "@/live/live";

const OpenPositions = lazy(async () => ({ default: (await import("@/features/positions/OpenPositions")).OpenPositions }));
const DealsPage = lazy(() => import("@/features/deals/DealsPage"));
const OrderHistoryPage = lazy(() => import("@/features/orders/OrderHistoryPage"));
const OpenOrders = lazy(async () => ({ default: (await import("@/features/orders/OpenOrders")).OpenOrders }));

/** The tabs of the dock, in their order. */
const TABS = ["positions", "orders", "deals", "history", "activity"] as const;

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
  const shown = TABS.find((tab) => tab === filters.tab) ?? "positions";
  const choose = (tab: string) => setFilters({ tab: tab === "positions" ? undefined : tab });
  const step = (by: number) => () => choose(TABS[(TABS.indexOf(shown) + by + TABS.length) % TABS.length] ?? "positions");
  useShortcut("[", step(-1));
  useShortcut("]", step(1));
  return (
    <Suspense fallback={<PageLoading />}>
      <Tabs
        label={t("dock.label")}
        value={shown}
        onChange={choose}
        tabs={[
          { id: "positions", label: `${t("dock.positions")} ${positions}`, content: <OpenPositions /> },
          { id: "orders", label: `${t("dock.orders")} ${orders}`, content: <OpenOrders /> },
          { id: "deals", label: t("dock.deals"), content: <DealsPage /> },
          { id: "history", label: t("dock.history"), content: <OrderHistoryPage /> },
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
