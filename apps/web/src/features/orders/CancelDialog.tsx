import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Order } from "@/api/types";
import { sendCommands, submitCommand, type NewCommand } from "@/commands/tracker";
import { CommandResults } from "@/commands/CommandResults";
import { useOrderWords } from "@/features/orders/words";
import { Confirm } from "@/kit/Confirm";
import { Dialog } from "@/kit/Dialog";
import { commentRequired, useMe } from "@/lib/permissions";

/** Above this number of orders the phrase must be typed. */
const TYPED_ABOVE = 5;

function cancelOf(order: Order, label: string, comment: string): NewCommand {
  return {
    account_id: order.account_id,
    command: "cancel_order",
    label,
    payload: { order_id: order.id, ...(comment === "" ? {} : { comment }) },
  };
}

/** Cancel one order. */
export function CancelDialog({ order, onClose }: { order: Order; onClose: () => void }) {
  const { t } = useTranslation("orders");
  const { words, environment } = useOrderWords()(order);
  const me = useMe();
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment={commentRequired(me) ? "required" : "none"}
      title={t("cancel.title", { id: order.id })}
      effect={t("cancel.effect", words)}
      action={t("cancel.action")}
      environment={environment}
      onConfirm={async (comment) => {
        await submitCommand(cancelOf(order, t("cancel.label", words), comment));
      }}
    />
  );
}

/** Cancel several orders: lists each before, and what became of each afterwards. */
export function CancelManyDialog({ orders, onClose }: { orders: readonly Order[]; onClose: () => void }) {
  const { t } = useTranslation("orders");
  const describe = useOrderWords();
  const [rows] = useState(orders);
  const [sent, setSent] = useState<string[] | null>(null);
  const count = rows.length;
  if (sent !== null) {
    return (
      <Dialog open onClose={onClose} title={t("cancel.results")}>
        <CommandResults keys={sent} />
      </Dialog>
    );
  }
  const accounts = [...new Set(rows.map((row) => describe(row).words.account))].join(", ");
  const many = count > TYPED_ABOVE;
  return (
    <Confirm
      open
      onClose={onClose}
      staysOpen
      tier={many ? 4 : 2}
      comment="optional"
      title={t("cancel.manyTitle", { count })}
      effect={t("cancel.manyEffect", { count, accounts })}
      action={t("cancel.manyAction")}
      {...(many ? { phrase: t("cancel.manyPhrase", { count }) } : {})}
      environment={rows.some((row) => describe(row).environment === "live") ? "live" : undefined}
      onConfirm={async (comment) => {
        setSent(await sendCommands(rows.map((row) => cancelOf(row, t("cancel.label", describe(row).words), comment))));
      }}
    >
      <ul className="num max-h-48 overflow-y-auto text-sm">
        {rows.map((row) => {
          const { words } = describe(row);
          return (
            <li key={row.id} className="flex justify-between gap-2 border-t border-line py-1">
              <span>
                {words.side} {words.qty} {words.symbol}
              </span>
              <span className="text-muted">{words.type}</span>
            </li>
          );
        })}
      </ul>
    </Confirm>
  );
}
