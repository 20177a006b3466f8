import { useTranslation } from "react-i18next";
import type { Order } from "@/api/types";
import { StatusPill, type PillTone } from "@/kit/StatusPill";

const TONES: Record<Order["state"], PillTone> = {
  PENDING_SUBMIT: "active",
  UNKNOWN: "warn",
  SUBMITTED: "active",
  PARTIALLY_FILLED: "active",
  FILLED: "good",
  CANCELED: "neutral",
  EXPIRED: "neutral",
  REJECTED: "bad",
};

/** The state of an order, and a change that is on its way. */
export function OrderStatus({ order }: { order: Order }) {
  const { t } = useTranslation("orders");
  return (
    <span title={order.reject_message ?? undefined}>
      <StatusPill tone={TONES[order.state]}>
        {t(`state.${order.state}`)}
        {order.pending_change !== null && ` (${t(`pending.${order.pending_change}`)})`}
      </StatusPill>
    </span>
  );
}
