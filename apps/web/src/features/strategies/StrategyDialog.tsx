import { useState } from "react";
import { useTranslation } from "react-i18next";
import { changeStrategy, createStrategy, type StrategyDraft, type StrategyRow } from "@/features/strategies/reads";
import { CheckList } from "@/kit/CheckList";
import { Confirm } from "@/kit/Confirm";
import { TextField } from "@/kit/Field";
import { toastDone } from "@/kit/toasts";
import { can, commentRequired, useMe } from "@/lib/permissions";

interface StrategyDialogProps {
  /** Absent: a new one. */
  strategy?: StrategyRow;
  onClose: () => void;
  onChanged: () => void;
}

function draftOf(strategy: StrategyRow | undefined): StrategyDraft {
  if (strategy === undefined) return { name: "", clientId: "", accountIds: [] };
  return { name: strategy.name, clientId: String(strategy.client_strategy_id ?? ""), accountIds: strategy.account_ids };
}

/** Create a strategy, or change its name, number and accounts. */
export function StrategyDialog({ strategy, onClose, onChanged }: StrategyDialogProps) {
  const { t } = useTranslation("strategies");
  const me = useMe();
  const isAdmin = me.actions.includes("admin");
  const [draft, setDraft] = useState(() => draftOf(strategy));
  const kind = strategy === undefined ? "create" : "change";
  const name = draft.name.trim();
  const isNumber = /^([1-9]\d{0,15})?$/.test(draft.clientId);
  const save = async (comment: string) => {
    if (strategy === undefined) await createStrategy(isAdmin, draft, comment);
    else {
      const change = { name, client_strategy_id: draft.clientId === "" ? null : draft.clientId, account_ids: [...draft.accountIds] };
      await changeStrategy(strategy.strategy_id, change, comment);
    }
    toastDone(t(`${kind}.done`, { name }));
    onChanged();
  };
  return (
    <Confirm
      open
      onClose={onClose}
      tier={kind === "create" ? 2 : 3}
      comment={commentRequired(me) ? "required" : "optional"}
      danger={false}
      disabled={name === "" || !isNumber || (!isAdmin && draft.accountIds.length === 0)}
      title={t(`${kind}.title`, { name: strategy?.name ?? "" })}
      effect={t(`${kind}.effect`)}
      action={t(`${kind}.action`)}
      onConfirm={save}
    >
      <TextField
        label={t("name")}
        value={draft.name}
        onChange={(text) => setDraft((before) => ({ ...before, name: text }))}
        maxLength={128}
        autoComplete="off"
        required
      />
      <TextField
        label={t("clientId")}
        description={t("clientIdHint")}
        error={isNumber ? undefined : t("clientIdBad")}
        value={draft.clientId}
        onChange={(text) => setDraft((before) => ({ ...before, clientId: text.trim() }))}
        inputMode="numeric"
        autoComplete="off"
      />
      <CheckList
        label={t("accounts")}
        options={me.accounts
          .filter((account) => can(me, "strategy_create", account.account_id))
          .map((account) => ({ value: account.account_id, label: account.label }))}
        chosen={draft.accountIds}
        onChange={(accountIds) => setDraft((before) => ({ ...before, accountIds }))}
      />
    </Confirm>
  );
}
