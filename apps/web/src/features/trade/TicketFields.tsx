import { useTranslation } from "react-i18next";
import { LevelFields } from "@/features/trade/LevelFields";
import type { Market } from "@/features/trade/markets";
import { PositionField } from "@/features/trade/PositionField";
import { QtyField } from "@/features/trade/QtyField";
import { estimateOf } from "@/features/trade/sizing";
import { needsExpiry, needsPrice, needsTrigger, ORDER_TYPES, TIMES_IN_FORCE, type Draft, type Ticket } from "@/features/trade/ticket";
import { Checkbox } from "@/kit/Checkbox";
import { DecimalField } from "@/kit/DecimalField";
import { TextField } from "@/kit/Field";
import { Segmented } from "@/kit/Segmented";
import { Select } from "@/kit/Select";
import type { Decimal } from "@/lib/decimal";
import { usePreference } from "@/lib/preferences";
import { quoteCurrency } from "@/lib/symbol";
import { minuteOf, momentOf, zoneLabel } from "@/lib/time";

interface Props {
  draft: Draft;
  /** The order that the draft makes. */
  ticket: Ticket;
  onChange: (change: Partial<Draft>) => void;
  market: Market | undefined;
  /** The price that the order is judged at; null: not known. */
  entry: Decimal | null;
  equity: Decimal | null;
}

/** The fields that the chosen order type needs, and no others. */
export function TicketFields({ draft, ticket, onChange, market, entry, equity }: Props) {
  const { t } = useTranslation("trade");
  const zone = usePreference("zone");
  const priced = { unit: quoteCurrency(ticket.symbol ?? ""), step: market?.priceStep };
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
      <QtyField draft={draft} ticket={ticket} onChange={onChange} market={market} entry={entry} equity={equity} />
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
      {needsExpiry(ticket) && (
        <TextField
          label={t("expiresAt")}
          hint={zoneLabel(zone)}
          type="datetime-local"
          value={ticket.expiresAt === "" ? "" : minuteOf(ticket.expiresAt, zone)}
          onChange={(minute) => onChange({ expiresAt: minute === "" ? "" : momentOf(minute, zone).toISOString() })}
          required
        />
      )}
      <div className="flex gap-4">
        {needsPrice(ticket.type) && (
          <Checkbox label={t("postOnly")} checked={ticket.postOnly} onChange={(postOnly) => onChange({ postOnly })} />
        )}
        <Checkbox label={t("reduceOnly")} checked={ticket.reduceOnly} onChange={(reduceOnly) => onChange({ reduceOnly })} />
      </div>
      <PositionField ticket={ticket} onChange={onChange} />
      <LevelFields
        draft={draft}
        ticket={ticket}
        onChange={onChange}
        market={market}
        estimate={estimateOf(ticket, entry, market?.contractSize ?? null)}
      />
    </>
  );
}
