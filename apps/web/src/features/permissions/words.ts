import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { Key } from "@/features/keys/reads";
import { FLAGS, type Grant } from "@/features/permissions/matrix";
import { useStrategyRows } from "@/features/strategies/reads";

/** A key by its label, or its first characters. */
export function keyName(key: Key): string {
  return key.label ?? key.prefix ?? `#${key.id}`;
}

/** The names of strategies by their ids. */
export function useStrategyWords(): (ids: readonly number[]) => string {
  const { t } = useTranslation("permissions");
  const { data } = useStrategyRows(true);
  return useCallback(
    (ids) =>
      ids.length === 0
        ? t("strategies.none")
        : ids
            .map((id) => (id === 0 ? t("strategies.unattributed") : (data?.find((one) => one.strategy_id === id)?.name ?? `#${id}`)))
            .join(", "),
    [t, data],
  );
}

/** A grant in words. */
export function useGrantWords(): (grant: Grant) => string {
  const { t } = useTranslation("permissions");
  const strategies = useStrategyWords();
  return (grant) => {
    const flags = FLAGS.filter((flag) => grant[flag]).map((flag) => t(`flag.${flag}`));
    if (flags.length === 0) return t("nothing");
    const text = flags.join(", ");
    return grant.restrict_to_strategies ? t("within", { flags: text, strategies: strategies(grant.strategy_ids) }) : text;
  };
}
