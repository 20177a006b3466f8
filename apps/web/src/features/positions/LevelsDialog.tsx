import { useTranslation } from "react-i18next";
import type { Position } from "@/api/types";
import { useAccountNames } from "@/app/scope";
import { submitCommand } from "@/commands/tracker";
import type { PositionDialogProps } from "@/features/positions/dialogs";
import { sizeOf } from "@/features/positions/figures";
import { ProfitNow } from "@/features/positions/ProfitNow";
import { EditDialog, type EditField } from "@/kit/EditDialog";
import { cmp, type Decimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { profitCurrency } from "@/lib/symbol";

/** Whether the level would trigger at once at the price now. */
function triggersNow(position: Position, level: Decimal | "", stop: boolean): boolean {
  if (level === "" || position.mark_price === null) return false;
  const above = cmp(level, position.mark_price) > 0;
  return (position.side === "buy") === stop ? above : !above;
}

/** Set, move or remove stop loss and take profit of a position. */
export function LevelsDialog({ position, onClose }: PositionDialogProps) {
  const { t } = useTranslation("positions");
  const { number } = useFormats();
  const account = useAccountNames()(position.account_id);
  const words = { qty: number(sizeOf(position)), symbol: position.symbol, account: account.label };
  const field = (key: string, label: string, known: Decimal | null, stop: boolean): EditField => ({
    key,
    label,
    known,
    unit: profitCurrency(position.symbol),
    clears: true,
    description: (value) => t(triggersNow(position, value, stop) ? "levels.wrongSide" : "levels.clear"),
  });
  return (
    <EditDialog
      onClose={onClose}
      title={t("levels.title", { id: position.id })}
      effect={t("levels.effect", words)}
      action={t("levels.action")}
      environment={account.environment}
      fields={[
        field("oms_stop_loss", t("levels.stopLoss"), position.stop_loss, true),
        field("oms_stop_gain", t("levels.takeProfit"), position.stop_gain, false),
      ]}
      onSend={(values) =>
        submitCommand({
          account_id: position.account_id,
          command: "position_change",
          label: t("levels.label", words),
          payload: { position_id: position.id, ...values },
        })
      }
    >
      <ProfitNow position={position} />
    </EditDialog>
  );
}
