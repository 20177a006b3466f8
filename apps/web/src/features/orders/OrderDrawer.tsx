import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Order } from "@/api/types";
import { useCodeWord } from "@/app/codes";
import { useAccountNames } from "@/app/scope";
import { OrderDeals, OrderTimeline } from "@/features/orders/OrderSteps";
import { OrderStatus } from "@/features/orders/OrderStatus";
import { useOrderTypeName } from "@/features/orders/words";
import { Button } from "@/kit/Button";
import { DetailDrawer, Facts } from "@/kit/DetailDrawer";
import { JsonView } from "@/kit/JsonView";
import { SideText } from "@/kit/SideText";
import { NOTHING, useFormats } from "@/lib/format";

/** Everything about one order, and what happened to it step by step. */
export function OrderDrawer({ order, onClose }: { order: Order; onClose: () => void }) {
  const { t } = useTranslation("orders");
  const { number, time } = useFormats();
  const account = useAccountNames()(order.account_id);
  const typeName = useOrderTypeName();
  const reason = useCodeWord("reason");
  const [raw, setRaw] = useState(false);
  const fee = order.fee === null ? NOTHING : `${number(order.fee)} ${order.fee_currency ?? ""}`;
  return (
    <DetailDrawer open onClose={onClose} title={t("drawer.title", { id: order.id })}>
      <Facts
        facts={[
          [t("column.account", { ns: "common" }), account.label],
          [t("column.symbol", { ns: "common" }), order.symbol],
          [t("column.side", { ns: "common" }), <SideText key="side" side={order.side} />],
          [t("column.type"), typeName(order.order_type)],
          [t("column.status"), <OrderStatus key="status" order={order} />],
          [t("column.qty"), number(order.qty)],
          [t("column.filled"), number(order.filled_qty)],
          [t("column.price"), number(order.price)],
          [t("column.trigger"), number(order.trigger_price)],
          [t("column.avg"), number(order.avg_fill_price)],
          [t("column.fee"), fee],
          [t("column.stopLoss"), number(order.stop_loss)],
          [t("column.takeProfit"), number(order.stop_gain)],
          [t("column.position"), order.position_id === 0 ? NOTHING : order.position_id],
          [t("column.source"), reason(order.reason)],
          [t("column.reason"), order.reject_message ?? (order.cancel_reason === null ? NOTHING : reason(order.cancel_reason))],
          [t("column.comment"), order.comment ?? NOTHING],
          ...(order.signal_id === null ? [] : [[t("column.signal"), order.signal_id] as const]),
          ...(order.group_id === null ? [] : [[t("drawer.group"), order.group_id] as const]),
          [t("column.clientId"), order.client_order_id ?? NOTHING],
          [t("column.exchangeId"), order.exchange_order_id ?? NOTHING],
          [t("column.created"), time(order.created_at)],
          [t("column.updated"), time(order.updated_at)],
        ]}
      />
      <OrderTimeline order={order} />
      <OrderDeals order={order} />
      <Button className="self-start" aria-expanded={raw} onClick={() => setRaw(!raw)}>
        {t("drawer.raw")}
      </Button>
      {raw && <JsonView value={order} />}
    </DetailDrawer>
  );
}
