import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { submitCommand } from "@/commands/tracker";
import type { PositionDialogProps } from "@/features/positions/dialogs";
import { sizeOf } from "@/features/positions/figures";
import { Confirm } from "@/kit/Confirm";
import { EmptyState } from "@/kit/EmptyState";
import { Select } from "@/kit/Select";
import { abs, cmp, sub } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { useLiveRows } from "@/live/hooks";
import { openPositions } from "@/live/live";

/** Close a position by an opposite one of the same symbol and account: no order is sent. */
export function CloseByDialog({ position, onClose }: PositionDialogProps) {
  const { t } = useTranslation("positions");
  const { number } = useFormats();
  const account = useAccountNames()(position.account_id);
  const opposite = useLiveRows(openPositions).filter(
    (row) => row.account_id === position.account_id && row.symbol === position.symbol && row.side !== position.side,
  );
  const [chosen, setChosen] = useState<number | null>(opposite[0]?.id ?? null);
  const other = opposite.find((row) => row.id === chosen);
  const words = { symbol: position.symbol, account: account.label, id: position.id, other: chosen ?? "?" };
  const size = sizeOf(position);
  const opposed = other === undefined ? size : sizeOf(other);
  const qty = cmp(size, opposed) < 0 ? size : opposed;
  const rest = number(abs(sub(size, opposed)));
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="optional"
      disabled={other === undefined}
      title={t("closeBy.title", { id: position.id })}
      effect={other === undefined ? "" : t("closeBy.effect", { ...words, qty: number(qty), rest })}
      action={t("closeBy.action")}
      environment={account.environment}
      onConfirm={async (comment) => {
        await submitCommand({
          account_id: position.account_id,
          command: "close_by",
          label: t("closeBy.label", words),
          payload: {
            position_id_a: position.id,
            position_id_b: chosen,
            ...(comment === "" ? {} : { comment }),
          },
        });
      }}
    >
      {opposite.length === 0 ? (
        <EmptyState title={t("closeBy.none", words)} />
      ) : (
        <Select
          label={t("closeBy.other")}
          value={chosen}
          onChange={setChosen}
          options={opposite.map((row) => ({ value: row.id, label: `${row.id}: ${number(sizeOf(row))} @ ${number(row.avg_price)}` }))}
        />
      )}
    </Confirm>
  );
}
