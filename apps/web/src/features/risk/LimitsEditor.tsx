import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";
import { useAccountNames, useScope } from "@/app/scope";
import { LimitField, useUnitText } from "@/features/risk/LimitField";
import {
  changedValues,
  GROUPS,
  isReadable,
  keysOf,
  LIMIT_KEYS,
  refusedKey,
  typedValue,
  type Draft,
  type LimitKey,
} from "@/features/risk/limitKeys";
import { setLimits, usePolicy, useRenewPolicies, type PolicyScope } from "@/features/risk/policy";
import { PresetDialog } from "@/features/risk/PresetDialog";
import { useUsageOf } from "@/features/risk/reads";
import { Button } from "@/kit/Button";
import { rememberComment } from "@/kit/CommentField";
import { Confirm } from "@/kit/Confirm";
import { ErrorState } from "@/kit/ErrorState";
import { useErrorText } from "@/kit/errorText";
import { Panel } from "@/kit/Panel";
import { toastDone } from "@/kit/toasts";
import { isDecimal } from "@/lib/decimal";
import { NOTHING, useFormats } from "@/lib/format";

interface Props {
  target: PolicyScope;
  /** The scope in words, such as the account's name. */
  name: string;
  editable: boolean;
}

/** The limits of one scope: each key with unit, value, who set it and, of accounts, its use. */
export function LimitsEditor({ target, name, editable }: Props) {
  const { t, i18n } = useTranslation("limits");
  const policy = usePolicy(target, true);
  const view = useScope();
  const isAccount = target.scope === "account";
  // Of other scopes the currency alone is wanted: it is that of all limits.
  const usage = useUsageOf(isAccount ? target.id : (view.ids[0] ?? null));
  const [draft, setDraft] = useState<Draft>({});
  const [refused, setRefused] = useState<Partial<Record<LimitKey, string>>>({});
  const [opened, setOpened] = useState<"save" | "preset" | null>(null);
  const limits = policy.data?.limits ?? [];
  const currency = usage.data?.currency ?? "";
  const changed = changedValues(draft, limits, i18n.language);
  const count = Object.keys(changed).length;
  const unreadable = (Object.entries(draft) as [LimitKey, string][]).some(([key, text]) => !isReadable(key, text, i18n.language));

  const change = (key: LimitKey, text: string) => {
    setDraft((before) => ({ ...before, [key]: text }));
    setRefused((before) => ({ ...before, [key]: undefined }));
  };
  const errorOf = (key: LimitKey) =>
    refused[key] ?? (isReadable(key, draft[key] ?? "", i18n.language) ? undefined : t("decimal.unreadable", { ns: "common" }));

  if (policy.error !== null && policy.data === undefined) {
    return <ErrorState error={policy.error} onRetry={() => void policy.refetch()} />;
  }
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex flex-1 flex-col gap-2 overflow-auto p-2" aria-busy={policy.isPending}>
        {policy.data !== undefined && policy.data.unreadable !== null && (
          <p role="alert" className="text-sm text-down">
            {t("unreadable", { key: policy.data.unreadable })}
          </p>
        )}
        {usage.error !== null && <ErrorState error={usage.error} compact onRetry={() => void usage.refetch()} />}
        {policy.data !== undefined &&
          GROUPS.map((group) => (
            <Panel key={group} title={t(`group.${group}`)} className="shrink-0">
              <div className="grid items-start gap-2 p-2 md:grid-cols-2 xl:grid-cols-4">
                {keysOf(group)
                  .filter((key) => target.scope !== "strategy" || LIMIT_KEYS[key].ofAccount !== true)
                  .map((key) => (
                    <LimitField
                      key={key}
                      name={key}
                      limit={limits.find((limit) => limit.key === key)}
                      draft={draft[key]}
                      usage={isAccount ? (usage.data?.items.filter((one) => one.key === key) ?? []) : []}
                      currency={currency}
                      error={errorOf(key)}
                      disabled={!editable}
                      onChange={(text) => change(key, text)}
                    />
                  ))}
              </div>
            </Panel>
          ))}
      </div>
      {editable && (
        <footer className="flex flex-wrap items-center justify-end gap-2 border-t border-line bg-panel p-2">
          {isAccount && <Button onClick={() => setOpened("preset")}>{t("preset.open")}</Button>}
          <Button disabled={Object.keys(draft).length === 0} onClick={() => [setDraft({}), setRefused({})]}>
            {t("discard")}
          </Button>
          <Button tone="primary" disabled={count === 0 || unreadable} onClick={() => setOpened("save")}>
            {t("save", { count })}
          </Button>
        </footer>
      )}
      {opened === "save" && (
        <SaveDialog
          target={target}
          name={name}
          before={Object.fromEntries(limits.map((limit) => [limit.key, typedValue(limit.value)]))}
          changed={changed}
          currency={currency}
          onSaved={() => setDraft({})}
          onRefused={(key, text) => setRefused({ [key]: text })}
          onClose={() => setOpened(null)}
        />
      )}
      {opened === "preset" && (
        <PresetDialog accountId={target.id} name={name} onApplied={() => setDraft({})} onClose={() => setOpened(null)} />
      )}
    </div>
  );
}

interface SaveProps {
  target: PolicyScope;
  name: string;
  before: Record<string, string>;
  changed: ReturnType<typeof changedValues>;
  currency: string;
  onSaved: () => void;
  /** The gateway refused the value of a key. */
  onRefused: (key: LimitKey, text: string) => void;
  onClose: () => void;
}

function SaveDialog({ target, name, before, changed, currency, onSaved, onRefused, onClose }: SaveProps) {
  const { t } = useTranslation("limits");
  const { number } = useFormats();
  const text = useErrorText();
  const unit = useUnitText(currency);
  const renew = useRenewPolicies();
  const account = useAccountNames();
  // The values as they were asked about: they do not change under the dialog.
  const [asked] = useState({ before, changed });
  const shown = (key: LimitKey, value: string) => {
    if (value === "") return t("none");
    if (LIMIT_KEYS[key].kind === "flag") return t(value === "false" ? "flag.forbidden" : "flag.allowed");
    return isDecimal(value) ? `${number(value)} ${unit(LIMIT_KEYS[key].unit) ?? ""}`.trim() : value || NOTHING;
  };
  const keys = Object.keys(asked.changed) as LimitKey[];
  return (
    <Confirm
      open
      onClose={onClose}
      tier={3}
      title={t("saveTitle", { name })}
      effect={t(`effect.${target.scope}`, { name })}
      action={t("saveAction")}
      danger={false}
      environment={target.scope === "account" ? account(target.id).environment : undefined}
      changes={keys.map((key) => ({
        label: t(`key.${key}`),
        before: shown(key, asked.before[key] ?? ""),
        after: shown(key, typedValue(asked.changed[key] ?? undefined)),
      }))}
      onConfirm={async (comment) => {
        try {
          await setLimits(target, asked.changed, comment);
        } catch (error) {
          const key = error instanceof ApiError && error.code === "validation_error" ? refusedKey(error.message) : null;
          if (key === null) throw error;
          rememberComment(comment);
          return onRefused(key, text(error));
        } finally {
          await renew();
        }
        onSaved();
        toastDone(t("saved", { name }));
      }}
    />
  );
}
