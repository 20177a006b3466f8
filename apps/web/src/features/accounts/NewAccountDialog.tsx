import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ENVIRONMENTS, exchangesFor, requestOf, type AccountDraft, type DraftEnvironment } from "@/features/accounts/draft";
import { createAccount, POSITION_MODES, useExchanges } from "@/features/accounts/reads";
import { PRESETS, type Preset } from "@/features/risk/policy";
import { Combobox } from "@/kit/Combobox";
import { Confirm } from "@/kit/Confirm";
import { TextField } from "@/kit/Field";
import { Segmented } from "@/kit/Segmented";
import { Select } from "@/kit/Select";
import { toastDone } from "@/kit/toasts";

const EMPTY: AccountDraft = { environment: "paper", exchange: null, label: "", positionMode: "hedge", preset: null };
const OWN_PRESET = "environment";

/** Create an account; it begins without credentials and without permissions of any key. */
export function NewAccountDialog({ onClose, onCreated }: { onClose: () => void; onCreated: (accountId: number) => void }) {
  const { t } = useTranslation("accounts");
  const exchanges = useExchanges();
  const [draft, setDraft] = useState(EMPTY);
  const set = (change: Partial<AccountDraft>) => setDraft((before) => ({ ...before, ...change }));
  const body = requestOf(draft);
  const isLive = draft.environment === "live";
  return (
    <Confirm
      open
      onClose={onClose}
      tier={isLive ? 4 : 3}
      {...(isLive ? { phrase: `LIVE ${draft.label.trim()}` } : {})}
      danger={isLive}
      environment={draft.environment}
      disabled={body === null}
      title={t("create.title")}
      effect={t("create.effect")}
      action={t("create.action")}
      onConfirm={async (comment) => {
        if (body === null) return;
        const created = await createAccount(body, comment);
        const needed = created.limits_needing_equity;
        toastDone(
          t("create.done", { account: body.label }),
          needed.length === 0 ? undefined : t("create.needEquity", { limits: needed.join(", ") }),
        );
        onCreated(created.account_id);
      }}
    >
      <Segmented<DraftEnvironment>
        label={t("environment")}
        value={draft.environment}
        onChange={(environment) => set({ environment, exchange: null })}
        segments={ENVIRONMENTS.map((value) => ({ value, label: t(`environment.${value}`, { ns: "common" }) }))}
      />
      <Combobox
        label={t("exchange")}
        value={draft.exchange}
        onChange={(exchange) => set({ exchange })}
        options={exchangesFor(draft.environment, exchanges.data ?? []).map((exchange) => ({ value: exchange, label: exchange }))}
      />
      <TextField label={t("label")} value={draft.label} onChange={(label) => set({ label })} maxLength={128} autoComplete="off" required />
      <Select
        label={t("positionMode")}
        value={draft.positionMode}
        onChange={(positionMode) => set({ positionMode })}
        options={POSITION_MODES.map((value) => ({ value, label: t(`mode.${value}`) }))}
      />
      <Select<Preset | typeof OWN_PRESET>
        label={t("preset")}
        value={draft.preset ?? OWN_PRESET}
        onChange={(preset) => set({ preset: preset === OWN_PRESET ? null : preset })}
        options={[OWN_PRESET, ...PRESETS].map((value) => ({ value: value as Preset, label: t(`presets.${value as Preset}`) }))}
      />
    </Confirm>
  );
}
