import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useStrategies } from "@/api/strategies";
import { useScope } from "@/app/scope";
import { CredentialsDialog } from "@/features/signals/CredentialsDialog";
import { createSource, type Credentials, type Kind, type SizingKind } from "@/features/signals/reads";
import { Checkbox } from "@/kit/Checkbox";
import { Combobox } from "@/kit/Combobox";
import { Confirm } from "@/kit/Confirm";
import { DecimalField } from "@/kit/DecimalField";
import { TextField } from "@/kit/Field";
import { Select } from "@/kit/Select";
import type { Decimal } from "@/lib/decimal";
import { commentRequired, useMe } from "@/lib/permissions";

const KINDS: readonly Kind[] = ["tradingview", "trade", "bounce"];
const SIZINGS: readonly SizingKind[] = ["qty", "notional", "pct_equity", "position_pct", "risk_pct"];
/** Kinds of size that are a part of something: their value is in percent. */
const IN_PERCENT: ReadonlySet<SizingKind> = new Set(["pct_equity", "position_pct", "risk_pct"]);

interface Props {
  onClose: () => void;
  onCreated: () => void;
}

/** Create a source of signals, then show its credentials once. */
export function NewSourceDialog({ onClose, onCreated }: Props) {
  const [created, setCreated] = useState<Credentials | null>(null);
  if (created !== null) return <CredentialsDialog created={created} onClose={onClose} />;
  return (
    <DraftDialog
      onClose={onClose}
      onDone={(done) => {
        setCreated(done);
        onCreated();
      }}
    />
  );
}

function DraftDialog({ onClose, onDone }: { onClose: () => void; onDone: (created: Credentials) => void }) {
  const { t } = useTranslation("signals");
  const me = useMe();
  const scope = useScope();
  const strategies = useStrategies();
  const only = scope.ids.length === 1 ? (scope.ids[0] ?? null) : null;
  const [name, setName] = useState("");
  const [kind, setKind] = useState<Kind>("tradingview");
  const [account, setAccount] = useState<number | null>(only);
  const [strategy, setStrategy] = useState(0);
  const [sizing, setSizing] = useState<SizingKind>("qty");
  const [size, setSize] = useState<Decimal | "">("");
  const [gain, setGain] = useState<Decimal | "">("");
  const [loss, setLoss] = useState<Decimal | "">("");
  const [withSecret, setWithSecret] = useState(false);
  const own = (strategies.data ?? []).filter((one) => one.status === "active" && account !== null && one.account_ids.includes(account));
  return (
    <Confirm
      open
      onClose={onClose}
      staysOpen
      tier={3}
      comment={commentRequired(me) ? "required" : "optional"}
      danger={false}
      disabled={name.trim() === "" || account === null || size === ""}
      title={t("create.title")}
      effect={t("create.effect")}
      action={t("create.action")}
      onConfirm={async (comment) => {
        if (account === null || size === "") return;
        const draft = { name: name.trim(), kind, account_id: account, strategy_id: strategy, generate_secret: withSecret };
        const rules = { sizing: { kind: sizing, value: size }, tp_pct: gain || "0", sl_pct: loss || "0" };
        onDone(await createSource({ ...draft, ...rules, comment }));
      }}
    >
      <TextField label={t("source.name")} value={name} onChange={setName} maxLength={64} autoComplete="off" />
      <Select label={t("column.kind")} value={kind} onChange={setKind} options={KINDS.map((value) => ({ value, label: t(`kind.${value}`) }))} />
      <Combobox
        label={t("column.account", { ns: "common" })}
        value={account}
        onChange={(next) => {
          setAccount(next);
          setStrategy(0);
        }}
        options={me.accounts.map((one) => ({ value: one.account_id, label: one.label }))}
      />
      <Select
        label={t("column.strategy", { ns: "common" })}
        value={strategy}
        onChange={setStrategy}
        options={[{ value: 0, label: t("source.noStrategy") }, ...own.map((one) => ({ value: one.strategy_id, label: one.name }))]}
      />
      <div className="grid grid-cols-2 gap-2">
        <Select label={t("source.sizing")} value={sizing} onChange={setSizing} options={SIZINGS.map((value) => ({ value, label: t(`sizing.${value}`) }))} />
        <DecimalField label={t("source.size")} value={size} onChange={setSize} required unit={IN_PERCENT.has(sizing) ? "%" : undefined} />
        <DecimalField label={t("column.stopGain")} value={gain} onChange={setGain} unit="%" description={t("source.noLevel")} />
        <DecimalField label={t("column.stopLoss")} value={loss} onChange={setLoss} unit="%" description={t("source.noLevel")} />
      </div>
      <Checkbox label={t("source.withSecret")} checked={withSecret} onChange={setWithSecret} />
    </Confirm>
  );
}
