import { useTranslation } from "react-i18next";
import { sizeOf } from "@/features/positions/figures";
import type { Ticket } from "@/features/trade/ticket";
import { Select } from "@/kit/Select";
import { useFormats } from "@/lib/format";
import { useLiveRows } from "@/live/hooks";
import { openPositions } from "@/live/live";

interface Props {
  ticket: Ticket;
  onChange: (change: Pick<Ticket, "positionId">) => void;
}

/** Which position the order is for; asked only where the account holds one of the symbol. */
export function PositionField({ ticket, onChange }: Props) {
  const { t } = useTranslation("trade");
  const { number } = useFormats();
  const held = useLiveRows(openPositions).filter((row) => row.account_id === ticket.accountId && row.symbol === ticket.symbol);
  if (held.length === 0) return null;
  return (
    <Select
      label={t("position.label")}
      value={ticket.positionId}
      onChange={(positionId) => onChange({ positionId })}
      options={[
        { value: 0, label: t("position.byMode") },
        { value: "new" as const, label: t("position.new") },
        ...held.map((row) => ({
          value: row.id,
          label: `${row.id}: ${t(row.side === "buy" ? "side.long" : "side.short", { ns: "common" })} ${number(sizeOf(row))} @ ${number(row.avg_price)}`,
        })),
      ]}
    />
  );
}
