import { useTranslation } from "react-i18next";
import type { Market } from "@/features/trade/markets";
import { needsPrice, needsTrigger, ORDER_TYPES, TIMES_IN_FORCE, type Ticket } from "@/features/trade/ticket";
import { Checkbox } from "@/kit/Checkbox";
import { DecimalField } from "@/kit/DecimalField";
import { Segmented } from "@/kit/Segmented";
import { Select } from "@/kit/Select";
import { baseCurrency, profitCurrency } from "@/lib/symbol";

interface Props {
  ticket: Ticket;
  onChange: (change: Partial<Ticket>) => void;
  market: Market | undefined;
}

/** The fields that the chosen order type needs, and no others. */
export function TicketFields({ ticket, onChange, market }: Props) {
  const { t } = useTranslation("trade");
  const symbol = ticket.symbol ?? "";
  const quote = profitCurrency(symbol);
  const priced = { unit: quote, step: market?.priceStep };
  return (
    <>
      <Segmented
        label={t("side")}
        value={ticket.side}
        onChange={(side) => onChange({ side })}
        segments={[
          { value: "buy", label: t("side.buy", { ns: "common" }), tone: "up" },
          { value: "sell", label: t("side.sell", { ns: "common" }), tone: "down" },
        ]}
      />
      <Select
        label={t("type")}
        value={ticket.type}
        onChange={(type) => onChange({ type })}
        options={ORDER_TYPES.map((value) => ({ value, label: t(`types.${value}`) }))}
      />
      <DecimalField
        label={t("qty")}
        unit={baseCurrency(symbol)}
        value={ticket.qty}
        onChange={(qty) => onChange({ qty })}
        step={market?.qtyStep}
        min={market?.minQty}
      />
      {needsTrigger(ticket.type) && (
        <DecimalField label={t("trigger")} {...priced} value={ticket.trigger} onChange={(trigger) => onChange({ trigger })} />
      )}
      {needsPrice(ticket.type) && (
        <DecimalField label={t("price")} {...priced} value={ticket.price} onChange={(price) => onChange({ price })} />
      )}
      {ticket.type === "trailing_stop" && (
        <DecimalField
          label={t("trailing")}
          unit="%"
          value={ticket.trailingPercent}
          onChange={(trailingPercent) => onChange({ trailingPercent })}
        />
      )}
      {needsPrice(ticket.type) && (
        <Select
          label={t("timeInForce")}
          value={ticket.timeInForce}
          onChange={(timeInForce) => onChange({ timeInForce })}
          options={TIMES_IN_FORCE.map((value) => ({ value, label: t(`times.${value}`) }))}
        />
      )}
      <div className="flex gap-4">
        {needsPrice(ticket.type) && (
          <Checkbox label={t("postOnly")} checked={ticket.postOnly} onChange={(postOnly) => onChange({ postOnly })} />
        )}
        <Checkbox label={t("reduceOnly")} checked={ticket.reduceOnly} onChange={(reduceOnly) => onChange({ reduceOnly })} />
      </div>
      <div className="grid grid-cols-2 gap-2">
        <DecimalField label={t("stopLoss")} {...priced} value={ticket.stopLoss} onChange={(stopLoss) => onChange({ stopLoss })} />
        <DecimalField
          label={t("takeProfit")}
          {...priced}
          value={ticket.takeProfit}
          onChange={(takeProfit) => onChange({ takeProfit })}
        />
      </div>
    </>
  );
}
