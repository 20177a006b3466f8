import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Strategy } from "@/api/types";
import { needsExpiry, needsPrice, needsTrigger, type Ticket } from "@/features/trade/ticket";
import { Facts } from "@/kit/DetailDrawer";
import { useFormats } from "@/lib/format";
import { quoteCurrency } from "@/lib/symbol";

/** What is sent besides side, quantity and price, so that the confirmation shows all of it. */
export function TicketTerms({ ticket, strategies }: { ticket: Ticket; strategies: readonly Strategy[] }) {
  const { t } = useTranslation("trade");
  const { number, time } = useFormats();
  const money = (value: string) => `${number(value)} ${quoteCurrency(ticket.symbol ?? "")}`;
  const limit = needsPrice(ticket.type);
  const terms: (readonly [string, ReactNode, boolean])[] = [
    [t("trigger"), money(ticket.trigger || "0"), needsTrigger(ticket.type)],
    [t("trailing"), `${number(ticket.trailingPercent || "0")} %`, ticket.type === "trailing_stop"],
    [t("stopLoss"), money(ticket.stopLoss || "0"), ticket.stopLoss !== ""],
    [t("takeProfit"), money(ticket.takeProfit || "0"), ticket.takeProfit !== ""],
    [t("timeInForce"), t(`times.${ticket.timeInForce}`), limit],
    [t("expiresAt"), time(ticket.expiresAt || null), needsExpiry(ticket)],
    [t("postOnly"), t("yes"), limit && ticket.postOnly],
    [t("reduceOnly"), t("yes"), ticket.reduceOnly],
    [t("position.label"), ticket.positionId === "new" ? t("position.new") : ticket.positionId, ticket.positionId !== 0],
    [t("strategy"), strategies.find((one) => one.strategy_id === ticket.strategyId)?.name, ticket.strategyId !== 0],
    [t("comment"), ticket.comment, ticket.comment.trim() !== ""],
    [t("params"), <code key="params" className="text-xs">{ticket.params.trim()}</code>, ticket.params.trim() !== ""],
  ];
  const facts = terms.filter(([, , said]) => said).map(([label, value]) => [label, value] as const);
  return facts.length === 0 ? null : <Facts facts={facts} />;
}
