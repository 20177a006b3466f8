import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { submitCommand } from "@/commands/tracker";
import type { PositionDialogProps } from "@/features/positions/dialogs";
import { sizeOf } from "@/features/positions/figures";
import { Confirm } from "@/kit/Confirm";
import { EmptyState } from "@/kit/EmptyState";
import { Select } from "@/kit/Select";
import { useFormats } from "@/lib/format";

interface Props extends PositionDialogProps {
  command: "close_by" | "merge_positions";
  /** Prefix of the texts `title`, `effect`, `action`, `label`, `none` and `choose`. */
  texts: "closeBy" | "merge";
  partners: readonly PositionDialogProps["position"][];
  chosen: number | null;
  onChoose: (id: number | null) => void;
  /** Further values of the text of the effect. */
  effect: Record<string, string>;
  payload: Record<string, number | null>;
  danger?: boolean;
}

/** A command on a position and another one of its symbol and account, which the user chooses. */
export function PartnerDialog({ position, onClose, command, texts, partners, chosen, onChoose, effect, payload, danger }: Props) {
  const { t } = useTranslation("positions");
  const { number } = useFormats();
  const account = useAccountNames()(position.account_id);
  const isChosen = partners.some((row) => row.id === chosen);
  const words = { symbol: position.symbol, account: account.label, id: position.id, other: chosen ?? "?" };
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="optional"
      {...(danger === undefined ? {} : { danger })}
      disabled={!isChosen}
      title={t(`${texts}.title`, { id: position.id })}
      effect={isChosen ? t(`${texts}.effect`, { ...words, ...effect }) : ""}
      action={t(`${texts}.action`)}
      environment={account.environment}
      onConfirm={async (comment) => {
        await submitCommand({
          account_id: position.account_id,
          command,
          label: t(`${texts}.label`, words),
          payload: { ...payload, ...(comment === "" ? {} : { comment }) },
        });
      }}
    >
      {partners.length === 0 ? (
        <EmptyState title={t(`${texts}.none`, words)} />
      ) : (
        <Select
          label={t(`${texts}.choose`)}
          value={chosen}
          onChange={onChoose}
          options={partners.map((row) => ({ value: row.id, label: `${row.id}: ${number(sizeOf(row))} @ ${number(row.avg_price)}` }))}
        />
      )}
    </Confirm>
  );
}
