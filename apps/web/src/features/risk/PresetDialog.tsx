import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { applyPreset, PRESETS, useRenewPolicies, type Preset } from "@/features/risk/policy";
import { Confirm } from "@/kit/Confirm";
import { Select } from "@/kit/Select";
import { toastDone } from "@/kit/toasts";

interface Props {
  accountId: number;
  name: string;
  onApplied: () => void;
  onClose: () => void;
}

/** Replace all limits of an account by those of a preset. */
export function PresetDialog({ accountId, name, onApplied, onClose }: Props) {
  const { t } = useTranslation("limits");
  const renew = useRenewPolicies();
  const account = useAccountNames()(accountId);
  const [preset, setPreset] = useState<Preset>("standard");
  const word = t(`preset.name.${preset}`);
  return (
    <Confirm
      open
      onClose={onClose}
      tier={3}
      title={t("preset.title", { name })}
      effect={t("preset.effect", { name, preset: word })}
      action={t("preset.action")}
      environment={account.environment}
      onConfirm={async (comment) => {
        try {
          await applyPreset(accountId, preset, comment);
        } finally {
          await renew();
        }
        onApplied();
        toastDone(t("preset.applied", { name, preset: word }));
      }}
    >
      <Select
        label={t("preset.label")}
        value={preset}
        onChange={setPreset}
        options={PRESETS.map((value) => ({ value, label: t(`preset.name.${value}`) }))}
      />
      <p className="text-xs text-muted">{t(`preset.text.${preset}`)}</p>
    </Confirm>
  );
}
