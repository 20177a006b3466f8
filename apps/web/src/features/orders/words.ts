import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { Environment, Order } from "@/api/types";
import { useAccountNames } from "@/app/scope";
import { ORDER_TYPES } from "@/features/trade/ticket";
import { useFormats } from "@/lib/format";

export type OrderWords = {
  side: string;
  qty: string;
  symbol: string;
  type: string;
  account: string;
};

/** The name of an order type; one that the ticket does not offer keeps the gateway's word. */
export function useOrderTypeName(): (type: string) => string {
  const { t } = useTranslation("trade");
  return useCallback(
    (type) => {
      const known = ORDER_TYPES.find((name) => name === type);
      return known === undefined ? type : t(`types.${known}`);
    },
    [t],
  );
}

/** What a sentence about an order names. */
export function useOrderWords(): (order: Order) => { words: OrderWords; environment: Environment } {
  const { t } = useTranslation();
  const { number } = useFormats();
  const account = useAccountNames();
  const typeName = useOrderTypeName();
  return (order) => {
    const { label, environment } = account(order.account_id);
    const price = order.price === null ? "" : ` @ ${number(order.price)}`;
    return {
      words: {
        side: t(`side.${order.side}`),
        qty: number(order.remaining_qty),
        symbol: order.symbol,
        type: `${typeName(order.order_type)}${price}`,
        account: label,
      },
      environment,
    };
  };
}
