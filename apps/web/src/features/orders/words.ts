import { useTranslation } from "react-i18next";
import type { Environment, Order } from "@/api/types";
import { useAccountNames } from "@/app/scope";
import { useFormats } from "@/lib/format";

export type OrderWords = {
  side: string;
  qty: string;
  symbol: string;
  type: string;
  account: string;
};

/** What a sentence about an order names. */
export function useOrderWords(): (order: Order) => { words: OrderWords; environment: Environment } {
  const { t } = useTranslation();
  const { number } = useFormats();
  const account = useAccountNames();
  return (order) => {
    const { label, environment } = account(order.account_id);
    const price = order.price === null ? "" : ` @ ${number(order.price)}`;
    return {
      words: {
        side: t(`side.${order.side}`),
        qty: number(order.remaining_qty),
        symbol: order.symbol,
        type: `${order.order_type}${price}`,
        account: label,
      },
      environment,
    };
  };
}
