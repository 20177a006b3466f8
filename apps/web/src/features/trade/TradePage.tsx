import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { useChartExchange } from "@/app/openChart";
import { useFilters } from "@/app/search";
import { PageLoading } from "@/app/PageStates";
import { ActivityList } from "@/commands/ActivityList";
import { OrderTicket } from "@/features/trade/OrderTicket";
import { useTradeTarget, type TradeTarget } from "@/features/trade/target";
import { Button } from "@/kit/Button";
import { EmptyState } from "@/kit/EmptyState";
import { Icon } from "@/kit/Icon";
import { Panel } from "@/kit/Panel";
import { Splitter } from "@/kit/Splitter";
import { Tabs } from "@/kit/Tabs";
import { NARROW, useMedia } from "@/lib/media";
import { setPreference, usePreference } from "@/lib/preferences";
import { useShortcut } from "@/lib/shortcuts";
import { useLiveRows } from "@/live/hooks";
import { openOrders, openPositions } from "@/live/live";

const OpenPositions = lazy(async () => ({ default: (await import("@/features/positions/OpenPositions")).OpenPositions }));
const DealsPage = lazy(() => import("@/features/deals/DealsPage"));
const TradeChart = lazy(async () => ({ default: (await import("@/features/trade/TradeChart")).TradeChart }));
const OrderHistoryPage = lazy(() => import("@/features/orders/OrderHistoryPage"));
const OpenOrders = lazy(async () => ({ default: (await import("@/features/orders/OpenOrders")).OpenOrders }));

/** The tabs of the dock, in their order. */
const TABS = ["positions", "orders", "deals", "history", "activity"] as const;

/** Pixels of the dock below the chart. */
const DOCK = { min: 160, max: 640 };

/** The trade desk: positions, orders and activity with the ticket beside them, below a chart where there is room. */
export default function TradePage() {
  const { t } = useTranslation("trade");
  const target = useTradeTarget();
  const isWide = !useMedia(NARROW);
  const shown = usePreference("tradeChart");
  const toggle = (
    <Button
      tone="quiet"
      icon={<Icon name="chart" />}
      aria-label={t("chart.show")}
      title={t("chart.show")}
      aria-pressed={shown}
      onClick={() => setPreference("tradeChart", !shown)}
    />
  );
  return (
    <div className="flex min-h-0 flex-1 gap-2 p-2 max-lg:flex-col max-lg:overflow-y-auto">
      <div className="flex min-w-0 flex-1 flex-col gap-2 max-lg:min-h-96">
        {isWide && shown ? <ChartOverDock target={target} /> : <DockPanel />}
      </div>
      <Panel title={t("title")} actions={isWide && toggle} className="w-80 shrink-0 overflow-y-auto max-lg:order-first max-lg:w-full">
        {target.account === undefined ? <EmptyState title={t("noAccount")} /> : <OrderTicket target={target} />}
      </Panel>
    </div>
  );
}

/** The chart of what the ticket trades above the dock; a line where no candles of it are stored. */
function ChartOverDock({ target: { accountId, symbol } }: { target: TradeTarget }) {
  const { t } = useTranslation("trade");
  const height = usePreference("dockHeight");
  const stored = useChartExchange(accountId, symbol);
  if (symbol === null || stored?.exchange === undefined || !stored.isStored) {
    return (
      <>
        {stored !== undefined && (
          <p role="status" data-no-candles className="px-1 text-xs text-muted">
            {t("chart.none", { symbol: symbol ?? "" })}{" "}
            <Link to="/candles" className="underline">
              {t("chart.stored")}
            </Link>
          </p>
        )}
        <DockPanel />
      </>
    );
  }
  return (
    <>
      <Suspense fallback={<PageLoading />}>
        <TradeChart exchange={stored.exchange} symbol={symbol} />
      </Suspense>
      <Splitter label={t("dock.height")} value={height} {...DOCK} onChange={(next) => setPreference("dockHeight", next)} />
      <div className="flex shrink-0 flex-col" style={{ height }}>
        <DockPanel />
      </div>
    </>
  );
}

function DockPanel() {
  return (
    <Panel className="flex-1">
      <Dock />
    </Panel>
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
          { id: "positions", label: `${t("dock.positions")} ${positions}`, content: <OpenPositions compact /> },
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
