import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Order } from "@/api/types";
import { useLedgerColumns } from "@/app/columns";
import { HistoryGrid } from "@/app/HistoryGrid";
import { useScope } from "@/app/scope";
import { OrderDrawer } from "@/features/orders/OrderDrawer";
import { useOrderTypeName } from "@/features/orders/words";
import { failedLimit, readRefusedByGateway } from "@/features/risk/breaches";
import { ReachedLimits } from "@/features/risk/ReachedLimits";
import { useRuleName } from "@/features/risk/ruleName";
import type { Column } from "@/kit/grid/types";
import { isDecimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";

function useColumns(): readonly Column<Order>[] {
  const { t } = useTranslation("risk");
  const { number } = useFormats();
  const rule = useRuleName();
  const typeName = useOrderTypeName();
  const ledger = useLedgerColumns<Order>();
  return useMemo((): Column<Order>[] => {
    const shown = (value: unknown) => (typeof value === "string" && isDecimal(value) ? number(value) : String(value));
    return [
      ledger.time("updated", t("column.time", { ns: "common" }), (row) => row.updated_at),
      ledger.account,
      ledger.strategy,
      ledger.symbol,
      ledger.side(),
      ledger.text("type", t("column.type", { ns: "orders" }), (row) => typeName(row.order_type), { width: 84 }),
      ledger.decimal("qty", t("column.qty", { ns: "orders" }), (row) => row.requested_qty ?? row.qty, { priority: 2 }),
      ledger.text("rule", t("breaches.rule"), (row) => rule(row), { width: 270, grow: 1, priority: 1 }),
      ledger.text("limit", t("breaches.limit"), (row) => limitOf(row, shown), { width: 120, priority: 2 }),
      ledger.text("value", t("breaches.value"), (row) => valueOf(row, shown), { width: 120, priority: 3 }),
      ledger.text("message", t("breaches.message"), (row) => row.reject_message, { width: 240, grow: 2, priority: 3 }),
      { ...ledger.id, priority: 4 },
    ];
  }, [t, number, rule, typeName, ledger]);
}

function limitOf(order: Order, shown: (value: unknown) => string): string | null {
  const limit = failedLimit(order);
  return limit === undefined || typeof limit.limit === "boolean" ? null : shown(limit.limit);
}

function valueOf(order: Order, shown: (value: unknown) => string): string | null {
  const value = failedLimit(order)?.value ?? null;
  return value === null ? null : shown(value);
}

/** Limits on losses that are reached now, and the orders that limits, switches and blocks refused. */
export function BreachesTab() {
  const { t } = useTranslation("risk");
  const scope = useScope();
  const columns = useColumns();
  const [detail, setDetail] = useState<Order | null>(null);
  return (
    <>
      <ReachedLimits accounts={scope.accounts} />
      <HistoryGrid<Order>
        id="breaches"
        name="breaches"
        label={t("breaches.title")}
        empty={t("breaches.empty", { accounts: t("accounts", { ns: "common", count: scope.ids.length }) })}
        columns={columns}
        sortedBy="updated"
        renewedBy={["order_risk_blocked", "order_updated"]}
        read={readRefusedByGateway}
        onOpen={setDetail}
      />
      {detail !== null && <OrderDrawer order={detail} onClose={() => setDetail(null)} />}
    </>
  );
}
