import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useStrategies } from "@/api/strategies";
import { useScope } from "@/app/scope";
import { LinkDialog } from "@/features/sharing/LinkDialog";
import { createShareLink, VIEWS, type ShareView } from "@/features/sharing/reads";
import { Checkbox } from "@/kit/Checkbox";
import { CheckList } from "@/kit/CheckList";
import { Confirm } from "@/kit/Confirm";
import { TextField } from "@/kit/Field";
import { Select } from "@/kit/Select";
import { commentRequired, useMe } from "@/lib/permissions";
import { usePreference } from "@/lib/preferences";
import { dayBefore, startOfDay, zoneParameter } from "@/lib/time";

const TITLE_MAX = 64;
const DAY_MS = 86_400_000;
/** Days until a link ends. */
const TERMS = [1, 7, 30, 90, 365] as const;
/** Days that it looks back; 0: everything. */
const PERIODS = [0, 7, 30, 90, 365] as const;

interface Props {
  onClose: () => void;
  onCreated: () => void;
}

/** Create a link, then show its address once. */
export function NewLinkDialog({ onClose, onCreated }: Props) {
  const [token, setToken] = useState<string | null>(null);
  if (token !== null) return <LinkDialog token={token} onClose={onClose} />;
  return (
    <DraftDialog
      onClose={onClose}
      onDone={(created) => {
        setToken(created);
        onCreated();
      }}
    />
  );
}

function DraftDialog({ onClose, onDone }: { onClose: () => void; onDone: (token: string) => void }) {
  const { t } = useTranslation("sharing");
  const me = useMe();
  const scope = useScope();
  const zone = usePreference("zone");
  const strategies = useStrategies();
  const [title, setTitle] = useState("");
  const [view, setView] = useState<ShareView>("stats");
  const [accounts, setAccounts] = useState<number[]>(scope.all ? [] : [...scope.ids]);
  const [strategy, setStrategy] = useState(0);
  const [days, setDays] = useState<number>(0);
  const [term, setTerm] = useState<number>(30);
  const [amounts, setAmounts] = useState(false);
  // Equity belongs to an account as a whole: a key that is restricted to strategies has none to show.
  const offered = me.accounts.filter((one) => one.can_read || me.user.role === "admin");
  const ofStrategy = view !== "equity" && strategy !== 0;
  return (
    <Confirm
      open
      onClose={onClose}
      staysOpen
      tier={2}
      comment={commentRequired(me) ? "required" : "none"}
      danger={false}
      disabled={accounts.length === 0}
      title={t("create.title")}
      effect={t(amounts ? "create.withAmounts" : "create.effect")}
      action={t("create.action")}
      onConfirm={async (comment) => {
        const now = new Date();
        const since = view === "positions" || days === 0 ? null : startOfDay(dayBefore(now, days - 1, zone), zoneParameter(zone));
        const { token } = await createShareLink({
          view,
          account_ids: accounts,
          show_amounts: amounts,
          expires_at: new Date(now.getTime() + term * DAY_MS).toISOString(),
          ...(title.trim() === "" ? {} : { title: title.trim() }),
          ...(ofStrategy ? { strategy_id: strategy } : {}),
          ...(since === null ? {} : { since: since.toISOString() }),
          ...(comment === "" ? {} : { comment }),
        });
        if (token === null) onClose();
        else onDone(token);
      }}
    >
      <TextField label={t("title")} description={t("titleHint")} value={title} onChange={setTitle} maxLength={TITLE_MAX} autoComplete="off" />
      <Select label={t("view")} value={view} onChange={setView} options={VIEWS.map((value) => ({ value, label: t(`views.${value}`) }))} />
      <CheckList
        label={t("accounts")}
        options={offered.map((one) => ({ value: one.account_id, label: one.label }))}
        chosen={accounts}
        onChange={setAccounts}
      />
      {view !== "equity" && (
        <Select
          label={t("column.strategy", { ns: "common" })}
          value={strategy}
          onChange={setStrategy}
          options={[{ value: 0, label: t("allStrategies") }, ...(strategies.data ?? []).map((one) => ({ value: one.strategy_id, label: one.name }))]}
        />
      )}
      <div className="grid grid-cols-2 gap-2">
        {view !== "positions" && (
          <Select label={t("since")} value={days} onChange={setDays} options={PERIODS.map((value) => ({ value, label: value === 0 ? t("everything") : t("lastDays", { count: value }) }))} />
        )}
        <Select label={t("term")} value={term} onChange={setTerm} options={TERMS.map((value) => ({ value, label: t("inDays", { count: value }) }))} />
      </div>
      <Checkbox label={t("amounts")} checked={amounts} onChange={setAmounts} />
    </Confirm>
  );
}
