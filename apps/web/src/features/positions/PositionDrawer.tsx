import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import type { Deal, Position } from "@/api/types";
import { useAccountNames } from "@/app/scope";
import { useOrderWords } from "@/features/orders/words";
import { sizeOf } from "@/features/positions/figures";
import { ProfitNow } from "@/features/positions/ProfitNow";
import { Button } from "@/kit/Button";
import { DetailDrawer, Facts } from "@/kit/DetailDrawer";
import { ErrorState } from "@/kit/ErrorState";
import { JsonView } from "@/kit/JsonView";
import { SideText } from "@/kit/SideText";
import { abs } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { useLiveRows } from "@/live/hooks";
import { openOrders } from "@/live/live";

/** The deals of a position. */
export function usePositionDeals(position: Position) {
  return useQuery({
    queryKey: ["deals", "position", position.id, position.version],
    queryFn: async (): Promise<Deal[]> => {
      const query = {
        account_ids: String(position.account_id),
        position_id: position.id,
        since: position.opened_at,
        page_size: 500,
        with_total: false,
      };
      return (await call(api.GET("/oms/deals", { params: { query } }))).items as Deal[];
    },
  });
}

/** Everything about one position. */
export function PositionDrawer({ position, onClose }: { position: Position; onClose: () => void }) {
  const { t } = useTranslation("positions");
  const { number, time } = useFormats();
  const account = useAccountNames()(position.account_id);
  const [raw, setRaw] = useState(false);
  const fees = Object.entries(position.fees as Record<string, string>);
  return (
    <DetailDrawer open onClose={onClose} title={t("drawer.title", { id: position.id })}>
      <ProfitNow position={position} />
      <Facts
        facts={[
          [t("column.account", { ns: "common" }), account.label],
          [t("column.symbol", { ns: "common" }), position.symbol],
          [t("column.side", { ns: "common" }), <SideText key="side" side={position.side} position />],
          [t("column.qty"), number(sizeOf(position))],
          [t("drawer.maxQty"), number(abs(position.max_qty))],
          [t("column.avgPrice"), number(position.avg_price)],
          [t("drawer.breakEven"), number(position.break_even_price ?? null)],
          [t("column.stopLoss"), number(position.stop_loss)],
          [t("column.takeProfit"), number(position.stop_gain)],
          [t("column.realized"), number(position.realized_pnl, { plus: true })],
          [t("drawer.fees"), fees.map(([currency, fee]) => `${number(fee)} ${currency}`).join(", ") || number(null)],
          [t("drawer.funding"), number(position.funding)],
          [t("drawer.opened"), time(position.opened_at)],
          [t("drawer.comment"), position.comment ?? t("drawer.noComment")],
        ]}
      />
      <Orders position={position} />
      <Deals position={position} />
      <Button className="self-start" aria-expanded={raw} onClick={() => setRaw(!raw)}>
        {t("drawer.raw")}
      </Button>
      {raw && <JsonView value={position} />}
    </DetailDrawer>
  );
}

/** The orders that would change the position. */
function Orders({ position }: { position: Position }) {
  const { t } = useTranslation("positions");
  const describe = useOrderWords();
  const orders = useLiveRows(openOrders).filter((order) => order.position_id === position.id);
  if (orders.length === 0) return null;
  return (
    <section className="flex flex-col gap-1">
      <h3 className="text-xs text-muted">{t("drawer.orders")}</h3>
      <ul className="num flex flex-col text-xs">
        {orders.map((order) => (
          <li key={order.id} className="flex justify-between gap-2 border-t border-line py-1">
            <span className="text-muted">{order.id}</span>
            <SideText side={order.side} />
            <span>
              {describe(order).words.qty} {describe(order).words.type}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Deals({ position }: { position: Position }) {
  const { t } = useTranslation("positions");
  const { number, time } = useFormats();
  const { data, error, refetch } = usePositionDeals(position);
  return (
    <section className="flex flex-col gap-1">
      <h3 className="text-xs text-muted">{t("drawer.deals")}</h3>
      {error !== null && <ErrorState error={error} compact onRetry={() => void refetch()} />}
      {data?.length === 0 && <p className="text-sm text-muted">{t("drawer.noDeals")}</p>}
      <ol className="num flex flex-col text-xs">
        {data?.map((deal) => (
          <li key={deal.id} className="flex justify-between gap-2 border-t border-line py-1">
            <span className="text-muted">{time(deal.executed_at)}</span>
            <SideText side={deal.side} />
            <span>
              {number(deal.qty)} @ {number(deal.price)}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
