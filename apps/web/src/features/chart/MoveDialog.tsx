import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { submitCommand, type NewCommand } from "@/commands/tracker";
import type { LevelTarget, TargetLevel } from "@/features/chart/traded";
import { Confirm } from "@/kit/Confirm";
import type { Decimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";

interface Props {
  level: TargetLevel;
  price: Decimal;
  onClose: () => void;
}

type Command = Pick<NewCommand, "command" | "payload">;

/** The command that moves what waits at a level; null: nothing does. */
export function moveCommand(target: LevelTarget, price: Decimal): Command | null {
  switch (target.kind) {
    case "order":
      return { command: "change_order", payload: { order_id: target.order.id, new_price: price } };
    case "stop_loss":
      return { command: "position_change", payload: { position_id: target.position.id, oms_stop_loss: price } };
    case "stop_gain":
      return { command: "position_change", payload: { position_id: target.position.id, oms_stop_gain: price } };
    case "entry":
      return null;
  }
}

/** Asks before what a dragged line stands for is moved. The line itself follows when the gateway has moved it. */
export function MoveDialog({ level, price, onClose }: Props) {
  const { t } = useTranslation("chart");
  const { number } = useFormats();
  const { target } = level;
  const row = target.kind === "order" ? target.order : target.position;
  const account = useAccountNames()(row.account_id);
  const command = moveCommand(target, price);
  const words = { level: level.label, symbol: row.symbol, account: account.label, price: number(price) };
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="none"
      danger={false}
      environment={account.environment}
      title={t("move.title", words)}
      effect={t("move.effect", words)}
      action={t("move.action")}
      changes={[{ label: level.label, before: number(level.price), after: number(price) }]}
      disabled={command === null}
      onConfirm={async () => {
        if (command === null) return;
        await submitCommand({ account_id: row.account_id, label: t("move.effect", words), ...command });
      }}
    />
  );
}
