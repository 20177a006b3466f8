import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { submitCommand } from "@/commands/tracker";
import type { PositionDialogProps } from "@/features/positions/dialogs";
import { sizeOf } from "@/features/positions/figures";
import { ProfitNow } from "@/features/positions/ProfitNow";
import { Confirm } from "@/kit/Confirm";
import { useFormats } from "@/lib/format";
import { useLiveRows } from "@/live/hooks";
import { openPositions } from "@/live/live";

interface Props extends PositionDialogProps {
  kind: "reverse" | "breakEven";
}

/** Reverse a position, or move its stop to break-even: one command without fields. */
export function SimpleDialog({ position, onClose, kind }: Props) {
  const { t } = useTranslation("positions");
  const { number } = useFormats();
  const account = useAccountNames()(position.account_id);
  const held = useLiveRows(openPositions).some((row) => row.id === position.id);
  const long = position.side === "buy";
  const words = {
    id: position.id,
    qty: number(sizeOf(position)),
    symbol: position.symbol,
    account: account.label,
    side: t(long ? "side.long" : "side.short", { ns: "common" }),
    opposite: t(long ? "side.short" : "side.long", { ns: "common" }),
  };
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="optional"
      danger={kind === "reverse"}
      title={t(`${kind}.title`, { id: position.id })}
      effect={t(`${kind}.effect`, words)}
      action={t(`${kind}.action`)}
      environment={account.environment}
      onConfirm={async (comment) => {
        await submitCommand({
          account_id: position.account_id,
          command: kind === "reverse" ? "reverse_position" : "break_even",
          label: t(`${kind}.label`, words),
          payload: { position_id: position.id, ...(comment === "" ? {} : { comment }) },
        });
      }}
    >
      {held ? (
        <ProfitNow position={position} />
      ) : (
        <p role="status" className="text-sm text-warn">
          {t("closedNow", words)}
        </p>
      )}
    </Confirm>
  );
}
