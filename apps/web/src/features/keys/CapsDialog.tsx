import { useState } from "react";
import { useTranslation } from "react-i18next";
import { setKeyCaps, type Key } from "@/features/keys/reads";
import { Confirm, type Change } from "@/kit/Confirm";
import { DecimalField } from "@/kit/DecimalField";
import { toastDone } from "@/kit/toasts";
import type { Decimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";

interface CapsDialogProps {
  target: Key;
  onClose: () => void;
  onChanged: () => void;
}

/** Limit the value of what a key may open: by order, and by day and account. */
export function CapsDialog({ target, onClose, onChanged }: CapsDialogProps) {
  const { t } = useTranslation("account");
  const { number } = useFormats();
  const before = target.restrictions;
  const [order, setOrder] = useState<Decimal | "">(before.max_order_notional ?? "");
  const [day, setDay] = useState<Decimal | "">(before.max_day_notional ?? "");
  const caps = { max_order_notional: order === "" ? null : order, max_day_notional: day === "" ? null : day };
  const shown = (cap: Decimal | null) => (cap === null ? t("keys.caps.none") : number(cap));
  const changes: Change[] = (["max_order_notional", "max_day_notional"] as const).flatMap((name) =>
    caps[name] === before[name] ? [] : [{ label: t(`keys.caps.${name}`), before: shown(before[name]), after: shown(caps[name]) }],
  );
  const name = target.label ?? `#${target.id}`;
  return (
    <Confirm
      open
      onClose={onClose}
      tier={3}
      danger={false}
      disabled={changes.length === 0}
      title={t("keys.caps.title", { name })}
      effect={t("keys.caps.effect")}
      action={t("keys.caps.action")}
      changes={changes}
      onConfirm={async (comment) => {
        await setKeyCaps(target, caps, comment);
        toastDone(t("keys.caps.done", { name }));
        onChanged();
      }}
    >
      <DecimalField label={t("keys.caps.max_order_notional")} value={order} onChange={setOrder} />
      <DecimalField label={t("keys.caps.max_day_notional")} description={t("keys.caps.hint")} value={day} onChange={setDay} />
    </Confirm>
  );
}
