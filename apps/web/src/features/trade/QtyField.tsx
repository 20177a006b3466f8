import { useTranslation } from "react-i18next";
import type { Market } from "@/features/trade/markets";
import { QTY_UNITS, type Draft, type Ticket } from "@/features/trade/ticket";
import { DecimalField } from "@/kit/DecimalField";
import { Select } from "@/kit/Select";
import { mul, type Decimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { baseCurrency, isInverse, placesOf, quoteCurrency } from "@/lib/symbol";

interface Props {
  draft: Draft;
  /** The order that the draft makes: its quantity is what is sent. */
  ticket: Ticket;
  onChange: (change: Partial<Draft>) => void;
  market: Market | undefined;
  entry: Decimal | null;
  equity: Decimal | null;
}

/** The quantity in base currency, in quote currency or as a share of equity; what is sent is shown. */
export function QtyField({ draft, ticket, onChange, market, entry, equity }: Props) {
  const { t } = useTranslation("trade");
  const { number } = useFormats();
  const symbol = ticket.symbol ?? "";
  const inverse = isInverse(symbol);
  const quote = quoteCurrency(symbol);
  const base = inverse ? t("contracts") : baseCurrency(symbol);
  const names = { base, quote, equity: t("percentOfEquity") };
  const size = inverse ? (market?.contractSize ?? null) : entry;
  const value = ticket.qty === "" || size === null ? null : mul(ticket.qty, size);
  const typed = draft.unit === "base";
  const sent = `= ${number(ticket.qty === "" ? null : ticket.qty)} ${base}`;
  const worth = value === null ? "" : `≈ ${number(value, { places: placesOf(quote) })} ${quote}`;
  const unknown = draft.unit === "equity" && equity === null;
  const description = unknown
    ? t("noEquity", { currency: inverse ? baseCurrency(symbol) : quote })
    : draft.amount === ""
      ? undefined
      : ticket.qty === ""
        ? t("noQty")
        : [typed ? "" : sent, worth].filter(Boolean).join(", ") || undefined;
  return (
    <div className="flex items-start gap-2">
      <DecimalField
        className="min-w-0 flex-1"
        label={t("qty")}
        value={draft.amount}
        onChange={(amount) => onChange({ amount })}
        step={typed ? market?.qtyStep : undefined}
        min={typed ? market?.minQty : undefined}
        description={description}
      />
      <Select
        className="w-28 shrink-0"
        label={t("qtyUnit")}
        value={draft.unit}
        onChange={(unit) => onChange({ unit, amount: "" })}
        options={QTY_UNITS.map((unit) => ({ value: unit, label: names[unit] }))}
      />
    </div>
  );
}
