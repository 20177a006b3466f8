import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Order } from "@/api/types";
import { useCodeWord } from "@/app/codes";
import { useLedgerColumns } from "@/app/columns";
import { OrderStatus } from "@/features/orders/OrderStatus";
import { useOrderTypeName } from "@/features/orders/words";
import { useRuleName } from "@/features/risk/ruleName";
import type { Column } from "@/kit/grid/types";
import { div, mul, sign } from "@/lib/decimal";
import { useFormats } from "@/lib/format";

/** Why an order ended without an execution, else why there is one. */
function why(order: Order, reason: (code: string) => string, refusal: (order: Order) => string): string {
  return order.reject_code === null ? reason(order.cancel_reason ?? order.reason) : refusal(order);
}

/** The executed quantity, with a bar of its share. */
function Filled({ order, text }: { order: Order; text: string }) {
  const share = div(mul(order.filled_qty, "100"), order.qty, 1) ?? "0";
  return (
    <span className="flex flex-col items-end" title={`${text} (${share} %)`}>
      <span>{text}</span>
      {sign(order.filled_qty) > 0 && order.filled_qty !== order.qty && (
        <span aria-hidden className="h-0.5 w-full bg-raise">
          <span className="block h-0.5 bg-accent" style={{ width: `${share}%` }} />
        </span>
      )}
    </span>
  );
}

/** Columns of orders: those of open orders, and those of the history. */
export function useOrderColumns(history: boolean): readonly Column<Order>[] {
  const { t } = useTranslation("orders");
  const { number } = useFormats();
  const typeName = useOrderTypeName();
  const reason = useCodeWord("reason");
  const refusal = useRuleName();
  const ledger = useLedgerColumns<Order>();
  return useMemo((): Column<Order>[] => {
    const flags = (row: Order) =>
      [row.time_in_force, row.reduce_only && t("flag.reduceOnly"), row.post_only && t("flag.postOnly")]
        .filter(Boolean)
        .join(", ");
    const linked = (row: Order) => (row.position_id === 0 ? null : String(row.position_id));
    const filled: Column<Order> = ledger.decimal("filled", t("column.filled"), (row) => row.filled_qty, {
      cell: (row) => <Filled order={row} text={number(row.filled_qty)} />,
    });
    const status: Column<Order> = {
      ...ledger.text("status", t("column.status"), (row) => row.state, { width: 108, priority: 1 }),
      cell: (row) => <OrderStatus order={row} />,
    };
    const common = [
      ledger.id,
      ledger.account,
      ledger.environment,
      ledger.strategy,
      ledger.symbol,
      ledger.side(),
      ledger.text("type", t("column.type"), (row) => typeName(row.order_type), { width: 84 }),
      ledger.decimal("qty", t("column.qty"), (row) => row.qty, { priority: 1 }),
      filled,
      ledger.decimal("price", t("column.price"), (row) => row.price),
    ];
    if (!history) {
      return [
        ...common,
        ledger.decimal("trigger", t("column.trigger"), (row) => row.trigger_price),
        ledger.decimal("stopLoss", t("column.stopLoss"), (row) => row.stop_loss, { priority: 3 }),
        ledger.decimal("takeProfit", t("column.takeProfit"), (row) => row.stop_gain, { priority: 3 }),
        ledger.text("position", t("column.position"), linked, { width: 68, priority: 4 }),
        ledger.text("flags", t("column.flags"), flags, { width: 84, priority: 3 }),
        status,
        ledger.age("age", t("column.age"), (row) => row.created_at),
        ledger.text("source", t("column.source"), (row) => reason(row.reason), { width: 72, priority: 4 }),
      ];
    }
    return [
      ledger.time("updated", t("column.updated"), (row) => row.updated_at),
      ...common,
      ledger.price("avg", t("column.avg"), (row) => row.avg_fill_price),
      ledger.text("position", t("column.position"), linked, { width: 68, priority: 4 }),
      status,
      {
        ...ledger.text("reason", t("column.reason"), (row) => why(row, reason, refusal), { width: 130, priority: 2, grow: 2 }),
        cell: (row) => {
          const text = why(row, reason, refusal);
          return <span title={row.reject_message ?? text}>{text}</span>;
        },
      },
    ];
  }, [t, number, typeName, reason, refusal, ledger, history]);
}
