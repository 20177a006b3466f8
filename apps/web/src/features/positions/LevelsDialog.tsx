import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Position } from "@/api/types";
import { useAccountNames } from "@/app/scope";
import { submitCommand } from "@/commands/tracker";
import type { PositionDialogProps } from "@/features/positions/dialogs";
import { sizeOf } from "@/features/positions/figures";
import { ProfitNow } from "@/features/positions/ProfitNow";
import { Confirm, type Change } from "@/kit/Confirm";
import { DecimalField } from "@/kit/DecimalField";
import { cmp, type Decimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { profitCurrency } from "@/lib/symbol";

type Level = Decimal | "";

function same(a: Level, b: Decimal | null): boolean {
  return a === "" || b === null ? (a === "") === (b === null) : cmp(a, b) === 0;
}

/** Whether the level would trigger at once at the price now. */
function triggersNow(position: Position, level: Level, stop: boolean): boolean {
  if (level === "" || position.mark_price === null) return false;
  const above = cmp(level, position.mark_price) > 0;
  return (position.side === "buy") === stop ? above : !above;
}

/** Set, move or remove stop loss and take profit of a position. */
export function LevelsDialog({ position, onClose }: PositionDialogProps) {
  const { t } = useTranslation("positions");
  const { number } = useFormats();
  const account = useAccountNames()(position.account_id);
  const [stopLoss, setStopLoss] = useState<Level>(position.stop_loss ?? "");
  const [target, setTarget] = useState<Level>(position.stop_gain ?? "");
  const fields = [
    { key: "oms_stop_loss", label: t("levels.stopLoss"), value: stopLoss, set: setStopLoss, known: position.stop_loss, stop: true },
    { key: "oms_stop_gain", label: t("levels.takeProfit"), value: target, set: setTarget, known: position.stop_gain, stop: false },
  ];
  const changed = fields.filter((field) => !same(field.value, field.known));
  const changes = changed.map(
    (field): Change => ({
      label: field.label,
      before: number(field.known),
      after: number(field.value === "" ? null : field.value),
    }),
  );
  const words = { qty: number(sizeOf(position)), symbol: position.symbol, account: account.label };
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="none"
      danger={false}
      disabled={changed.length === 0}
      title={t("levels.title", { id: position.id })}
      effect={changed.length === 0 ? t("levels.unchanged") : t("levels.effect", words)}
      action={t("levels.action")}
      environment={account.environment}
      changes={changes}
      onConfirm={async () => {
        await submitCommand({
          account_id: position.account_id,
          command: "position_change",
          label: t("levels.label", words),
          payload: {
            position_id: position.id,
            ...Object.fromEntries(changed.map((field) => [field.key, field.value === "" ? null : field.value])),
          },
        });
      }}
    >
      <ProfitNow position={position} />
      {fields.map((field) => (
        <DecimalField
          key={field.key}
          label={field.label}
          unit={profitCurrency(position.symbol)}
          value={field.value}
          onChange={field.set}
          description={triggersNow(position, field.value, field.stop) ? t("levels.wrongSide") : t("levels.clear")}
        />
      ))}
    </Confirm>
  );
}
