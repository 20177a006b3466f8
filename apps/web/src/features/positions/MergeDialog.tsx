import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { submitCommand } from "@/commands/tracker";
import type { PositionDialogProps } from "@/features/positions/dialogs";
import { sizeOf } from "@/features/positions/figures";
import { Confirm } from "@/kit/Confirm";
import { EmptyState } from "@/kit/EmptyState";
import { Select } from "@/kit/Select";
import { add } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { useLiveRows } from "@/live/hooks";
import { openPositions } from "@/live/live";

/** Move a position into another of the same side, symbol and account: no order is sent. */
export function MergeDialog({ position, onClose }: PositionDialogProps) {
  const { t } = useTranslation("positions");
  const { number } = useFormats();
  const account = useAccountNames()(position.account_id);
  const alike = useLiveRows(openPositions).filter(
    (row) =>
      row.id !== position.id &&
      row.account_id === position.account_id &&
      row.symbol === position.symbol &&
      row.side === position.side,
  );
  const [chosen, setChosen] = useState<number | null>(alike[0]?.id ?? null);
  const target = alike.find((row) => row.id === chosen);
  const words = { symbol: position.symbol, account: account.label, id: position.id, other: chosen ?? "?" };
  const total = target === undefined ? "?" : number(add(sizeOf(position), sizeOf(target)));
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="optional"
      danger={false}
      disabled={target === undefined}
      title={t("merge.title", { id: position.id })}
      effect={target === undefined ? "" : t("merge.effect", { ...words, total })}
      action={t("merge.action")}
      environment={account.environment}
      onConfirm={async (comment) => {
        await submitCommand({
          account_id: position.account_id,
          command: "merge_positions",
          label: t("merge.label", words),
          payload: {
            source_position_id: position.id,
            target_position_id: chosen,
            ...(comment === "" ? {} : { comment }),
          },
        });
      }}
    >
      {alike.length === 0 ? (
        <EmptyState title={t("merge.none", words)} />
      ) : (
        <Select
          label={t("merge.target")}
          value={chosen}
          onChange={setChosen}
          options={alike.map((row) => ({ value: row.id, label: `${row.id}: ${number(sizeOf(row))} @ ${number(row.avg_price)}` }))}
        />
      )}
    </Confirm>
  );
}
