import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { submitCommand } from "@/commands/tracker";
import { usePreview, type Asked } from "@/commands/usePreview";
import type { PositionDialogProps } from "@/features/positions/dialogs";
import { sizeOf } from "@/features/positions/figures";
import { ProfitNow } from "@/features/positions/ProfitNow";
import { Confirm } from "@/kit/Confirm";
import { DecimalField } from "@/kit/DecimalField";
import { useErrorText } from "@/kit/errorText";
import { Segmented } from "@/kit/Segmented";
import { cmp, sign, type Decimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { baseCurrency, profitCurrency } from "@/lib/symbol";

type Share = "25" | "50" | "100" | "custom";
const SHARES: readonly Share[] = ["25", "50", "100", "custom"];

/** Close a position or a part of it, at the market price or at a limit. The gateway rounds parts to the step. */
export function CloseDialog({ position, onClose, start }: PositionDialogProps & { start: Share }) {
  const { t } = useTranslation("positions");
  const { number } = useFormats();
  const account = useAccountNames()(position.account_id);
  const [share, setShare] = useState<Share>(start);
  const [custom, setCustom] = useState<Decimal | "">("");
  const [type, setType] = useState<"market" | "limit">("market");
  const [price, setPrice] = useState<Decimal | "">("");
  const text = useErrorText();
  const size = sizeOf(position);
  const whole = share === "100" || (share === "custom" && custom !== "" && cmp(custom, size) === 0);
  const isPart = share !== "custom" || (custom !== "" && sign(custom) > 0 && cmp(custom, size) <= 0);
  const complete = isPart && (type === "market" || (price !== "" && sign(price) > 0));
  const asked: Asked = {
    account_id: position.account_id,
    command: "close_position",
    payload: {
      position_id: position.id,
      order_type: type,
      ...(whole ? {} : share === "custom" ? { qty: custom } : { qty_pct: share }),
      ...(type === "limit" ? { price } : {}),
    },
  };
  const preview = usePreview(complete ? asked : null);
  const refusal = preview.pending ? null : (preview.data?.refusal ?? null);
  const rounded = preview.pending ? null : (preview.data?.qty ?? null);
  const exact = whole ? size : share === "custom" ? custom || null : rounded;
  const qty = exact === null ? (share === "custom" ? "?" : `${share} %`) : number(exact);
  const unit = exact === null ? "" : baseCurrency(position.symbol);
  const shown = { qty, symbol: position.symbol, account: account.label };

  const send = async (comment: string) => {
    await submitCommand({
      ...asked,
      label: t("close.label", shown),
      payload: { ...asked.payload, ...(comment === "" ? {} : { comment }) },
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
      action={t("close.action", { qty, unit }).trim()}
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
      {complete && refusal !== null && (
        <p role="status" className="text-sm text-down">
          {text(refusal)}
        </p>
      )}
    </Confirm>
  );
}
