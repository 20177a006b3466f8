import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useStrategies } from "@/api/strategies";
import { useSourceNames } from "@/features/stats/sources";
import { Combobox } from "@/kit/Combobox";

interface Props {
  strategy: string | undefined;
  source: string | undefined;
  onChange: (change: { strategy?: string | undefined; source?: string | undefined }) => void;
}

/** Only the positions and orders of a strategy, or of a source of signals. */
export function StatsFilters({ strategy, source, onChange }: Props) {
  const { t } = useTranslation("stats");
  const strategies = useStrategies();
  const sources = useSourceNames();
  const offered = useMemo(
    () => [{ value: "0", label: t("noSource") }, ...[...sources].map(([id, label]) => ({ value: String(id), label }))],
    [sources, t],
  );
  return (
    <>
      <Combobox
        label={t("group.strategy")}
        hiddenLabel
        placeholder={t("anyStrategy")}
        className="w-40"
        value={strategy ?? null}
        onChange={(next) => onChange({ strategy: next ?? undefined })}
        options={(strategies.data ?? []).map((one) => ({ value: String(one.strategy_id), label: one.name }))}
      />
      <Combobox
        label={t("group.source")}
        hiddenLabel
        placeholder={t("anySource")}
        className="w-40"
        value={source ?? null}
        onChange={(next) => onChange({ source: next ?? undefined })}
        options={offered}
      />
    </>
  );
}
