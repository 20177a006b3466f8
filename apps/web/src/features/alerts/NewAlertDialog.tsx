import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AccountAccess } from "@/api/types";
import { createAlert, type Condition } from "@/features/alerts/reads";
import { useQuote, useSymbols } from "@/features/trade/markets";
import { Combobox } from "@/kit/Combobox";
import { Confirm } from "@/kit/Confirm";
import { DecimalField } from "@/kit/DecimalField";
import { TextField } from "@/kit/Field";
import { Select } from "@/kit/Select";
import { toastDone } from "@/kit/toasts";
import type { Decimal } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { useCan } from "@/lib/permissions";

const CONDITIONS: readonly Condition[] = ["above", "below", "crosses"];

interface Props {
  accounts: readonly AccountAccess[];
  onClose: () => void;
  onCreated: () => void;
}

/** Create an alert; the price of now stands beside its own. */
export function NewAlertDialog({ accounts, onClose, onCreated }: Props) {
  const { t } = useTranslation("alerts");
  const { number } = useFormats();
  const can = useCan();
  const offered = accounts.filter((one) => can("trade", one.account_id));
  const [account, setAccount] = useState<number | null>(offered[0]?.account_id ?? null);
  const [symbol, setSymbol] = useState<string | null>(null);
  const [condition, setCondition] = useState<Condition>("above");
  const [price, setPrice] = useState<Decimal | "">("");
  const [note, setNote] = useState("");
  const symbols = useSymbols(account);
  const quote = useQuote(account, symbol);
  const last = quote.data?.last ?? quote.data?.bid;
  return (
    <Confirm
      open
      onClose={onClose}
      tier={2}
      comment="none"
      danger={false}
      disabled={account === null || symbol === null || price === ""}
      title={t("create.title")}
      effect={t("create.effect")}
      action={t("create.action")}
      onConfirm={async () => {
        if (account === null || symbol === null || price === "") return;
        await createAlert({ account_id: account, symbol, condition, price, note: note.trim() || null });
        toastDone(t("create.done", { symbol }));
        onCreated();
      }}
    >
      <Select
        label={t("column.account", { ns: "common" })}
        value={account}
        onChange={(next) => {
          setAccount(next);
          setSymbol(null);
        }}
        options={offered.map((one) => ({ value: one.account_id, label: one.label }))}
      />
      <Combobox
        label={t("column.symbol", { ns: "common" })}
        value={symbol}
        onChange={setSymbol}
        options={(symbols.data ?? []).map((value) => ({ value, label: value }))}
      />
      <Select label={t("condition")} value={condition} onChange={setCondition} options={CONDITIONS.map((value) => ({ value, label: t(`conditions.${value}`) }))} />
      <DecimalField
        label={t("price")}
        value={price}
        onChange={setPrice}
        required
        description={last === undefined || last === null ? undefined : t("now", { price: number(last) })}
      />
      <TextField label={t("note")} value={note} onChange={setNote} maxLength={255} autoComplete="off" />
    </Confirm>
  );
}
