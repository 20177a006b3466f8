import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Order } from "@/api/types";
import { submitCommand } from "@/commands/tracker";
import { useOrderWords } from "@/features/orders/words";
import { Confirm, type Change } from "@/kit/Confirm";
import { DecimalField } from "@/kit/DecimalField";
import { cmp, sign, type Decimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { baseCurrency, profitCurrency } from "@/lib/symbol";

function changed(value: Decimal | "", known: Decimal | null): boolean {
  return value !== "" && sign(value) > 0 && (known === null || cmp(value, known) !== 0);
}

/** Give an open order another price or quantity: what changes is shown before it is sent. */
export function ChangeDialog({ order, onClose }: { order: Order; onClose: () => void }) {
  const { t } = useTranslation("orders");
  const { number } = useFormats();
  const { words, environment } = useOrderWords()(order);
  const [price, setPrice] = useState<Decimal | "">(order.price ?? "");
  const [qty, setQty] = useState<Decimal | "">(order.qty);
  const newPrice = changed(price, order.price);
  const newQty = changed(qty, order.qty);
  const changes: Change[] = [
    ...(newPrice ? [{ label: t("change.price"), before: number(order.price), after: number(price || null) }] : []),
    ...(newQty ? [{ label: t("change.qty"), before: number(order.qty), after: number(qty || null) }] : []),
  ];
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="none"
      danger={false}
      disabled={changes.length === 0}
      title={t("change.title", { id: order.id })}
      effect={changes.length === 0 ? t("change.unchanged") : t("change.effect", words)}
      action={t("change.action")}
      environment={environment}
      changes={changes}
      onConfirm={async () => {
        await submitCommand({
          account_id: order.account_id,
          command: "change_order",
          label: t("change.label", words),
          payload: {
            order_id: order.id,
            ...(newPrice ? { new_price: price } : {}),
            ...(newQty ? { new_qty: qty } : {}),
          },
        });
      }}
    >
      {order.price !== null && (
        <DecimalField label={t("change.price")} unit={profitCurrency(order.symbol)} value={price} onChange={setPrice} />
      )}
      <DecimalField
        label={t("change.qty")}
        unit={baseCurrency(order.symbol)}
        value={qty}
        onChange={setQty}
        min={order.filled_qty}
      />
    </Confirm>
  );
}
