import { useTranslation } from "react-i18next";
import type { Order } from "@/api/types";
import { submitCommand } from "@/commands/tracker";
import { useOrderWords } from "@/features/orders/words";
import { EditDialog, type EditField } from "@/kit/EditDialog";
import { baseCurrency, profitCurrency } from "@/lib/symbol";

/** Give an open order another price or quantity. */
export function ChangeDialog({ order, onClose }: { order: Order; onClose: () => void }) {
  const { t } = useTranslation("orders");
  const { words, environment } = useOrderWords()(order);
  const price: EditField = { key: "new_price", label: t("change.price"), unit: profitCurrency(order.symbol), known: order.price };
  const qty: EditField = {
    key: "new_qty",
    label: t("change.qty"),
    unit: baseCurrency(order.symbol),
    known: order.qty,
    min: order.filled_qty,
  };
  return (
    <EditDialog
      onClose={onClose}
      title={t("change.title", { id: order.id })}
      effect={t("change.effect", words)}
      action={t("change.action")}
      environment={environment}
      fields={order.price === null ? [qty] : [price, qty]}
      onSend={(values) =>
        submitCommand({
          account_id: order.account_id,
          command: "change_order",
          label: t("change.label", words),
          payload: { order_id: order.id, ...values },
        })
      }
    />
  );
}
