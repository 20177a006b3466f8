import { useTranslation } from "react-i18next";
import type { Position } from "@/api/types";
import { useAccountNames } from "@/app/scope";
import { submitCommand } from "@/commands/tracker";
import type { PositionDialogProps } from "@/features/positions/dialogs";
import { sizeOf } from "@/features/positions/figures";
import { ProfitNow } from "@/features/positions/ProfitNow";
import { resultAt } from "@/features/trade/sizing";
import { EditDialog, type EditField } from "@/kit/EditDialog";
import { cmp, type Decimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { placesOf, profitCurrency, quoteCurrency } from "@/lib/symbol";

/** Whether the level would trigger at once at the price now. */
function triggersNow(position: Position, level: Decimal | "", stop: boolean): boolean {
  if (level === "" || position.mark_price === null) return false;
  const above = cmp(level, position.mark_price) > 0;
  return (position.side === "buy") === stop ? above : !above;
}

/** What closing all of it at the level would bring, without fees; null: not known here. */
function resultOf(position: Position, level: Decimal | ""): Decimal | null {
  if (level === "") return null;
  return resultAt(position.symbol, position.side, sizeOf(position), { entry: position.avg_price, exit: level }, null);
}

/** Set, move or remove stop loss and take profit of a position. */
export function LevelsDialog({ position, onClose }: PositionDialogProps) {
  const { t } = useTranslation("positions");
  const { number } = useFormats();
  const account = useAccountNames()(position.account_id);
  const words = { qty: number(sizeOf(position)), symbol: position.symbol, account: account.label };
  const currency = profitCurrency(position.symbol);
  const describe = (level: Decimal | "", stop: boolean, known: Decimal | null): string | undefined => {
    const result = resultOf(position, level);
    const words = result === null ? "" : `${number(result, { places: placesOf(currency), plus: true })} ${currency}`;
    if (triggersNow(position, level, stop)) return t("levels.wrongSide");
    const clear = known === null ? "" : t("levels.clear");
    return [words === "" ? "" : t("levels.result", { result: words }), clear].filter(Boolean).join(" ") || undefined;
  };
  const field = (key: string, label: string, known: Decimal | null, stop: boolean): EditField => ({
    key,
    label,
    known,
    unit: quoteCurrency(position.symbol),
    clears: true,
    description: (value) => describe(value, stop, known),
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
