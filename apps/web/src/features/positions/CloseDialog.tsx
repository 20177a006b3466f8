import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { submitCommand } from "@/commands/tracker";
import type { PositionDialogProps } from "@/features/positions/dialogs";
import { sizeOf } from "@/features/positions/figures";
import { ProfitNow } from "@/features/positions/ProfitNow";
import { Confirm } from "@/kit/Confirm";
import { DecimalField } from "@/kit/DecimalField";
import { Segmented } from "@/kit/Segmented";
import { cmp, div, mul, sign, type Decimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { baseCurrency, profitCurrency } from "@/lib/symbol";

type Share = "25" | "50" | "100" | "custom";
const SHARES: readonly Share[] = ["25", "50", "100", "custom"];

/** The part of a quantity, with as many digits as the quantity has, and never 0. */
function partOf(qty: Decimal, percent: string): Decimal {
  const places = Math.max(qty.split(".")[1]?.length ?? 0, 0);
  return div(mul(qty, percent), "100", places) ?? qty;
}

/** Close a position or a part of it, at the market price or at a limit. */
export function CloseDialog({ position, onClose, start }: PositionDialogProps & { start: Share }) {
  const { t } = useTranslation("positions");
  const { number } = useFormats();
  const account = useAccountNames()(position.account_id);
  const [share, setShare] = useState<Share>(start);
  const [custom, setCustom] = useState<Decimal | "">("");
  const [type, setType] = useState<"market" | "limit">("market");
  const [price, setPrice] = useState<Decimal | "">("");
  const size = sizeOf(position);
  const qty = share === "custom" ? custom : partOf(size, share);
  const complete =
    qty !== "" && sign(qty) > 0 && cmp(qty, size) <= 0 && (type === "market" || (price !== "" && sign(price) > 0));
  const shown = { qty: qty === "" ? "?" : number(qty), symbol: position.symbol, account: account.label };

  const send = async (comment: string) => {
    await submitCommand({
      account_id: position.account_id,
      command: "close_position",
      label: t("close.label", shown),
      payload: {
        position_id: position.id,
        order_type: type,
        ...(cmp(qty || "0", size) === 0 ? {} : { qty }),
        ...(type === "limit" ? { price } : {}),
        ...(comment === "" ? {} : { comment }),
      },
    });
  };

  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="optional"
      disabled={!complete}
      title={t("close.title", { id: position.id })}
      action={t("close.action")}
      environment={account.environment}
      effect={t("close.effect", {
        ...shown,
        side: t(position.side === "buy" ? "side.sell" : "side.buy", { ns: "common" }),
        how: type === "market" ? t("close.market") : t("close.limit", { price: price === "" ? "?" : number(price) }),
      })}
      onConfirm={send}
    >
      <ProfitNow position={position} />
      <Segmented
        label={t("close.share")}
        value={share}
        onChange={setShare}
        segments={SHARES.map((value) => ({
          value,
          label: value === "custom" ? t("close.custom") : `${value} %`,
        }))}
      />
      {share === "custom" && (
        <DecimalField
          label={t("close.qty")}
          unit={baseCurrency(position.symbol)}
          value={custom}
          onChange={setCustom}
          max={size}
          autoFocus
        />
      )}
      <Segmented
        label={t("close.type")}
        value={type}
        onChange={setType}
        segments={[
          { value: "market", label: t("close.marketType") },
          { value: "limit", label: t("close.limitType") },
        ]}
      />
      {type === "limit" && (
        <DecimalField label={t("close.price")} unit={profitCurrency(position.symbol)} value={price} onChange={setPrice} />
      )}
    </Confirm>
  );
}
