import { useTranslation } from "react-i18next";
import { useStrategies } from "@/api/strategies";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { LimitsEditor } from "@/features/risk/LimitsEditor";
import { SCOPES, type PolicyScope, type ScopeName } from "@/features/risk/policy";
import { EmptyState } from "@/kit/EmptyState";
import { Segmented } from "@/kit/Segmented";
import { Select } from "@/kit/Select";
import { useCan } from "@/lib/permissions";

interface Choice {
  id: number;
  label: string;
}

/** The limits of an account, of a strategy or of all accounts. */
export function LimitsTab() {
  const { t } = useTranslation("limits");
  const can = useCan();
  const view = useScope();
  const strategies = useStrategies();
  const [filters, setFilters] = useFilters("scope", "id");
  const scope: ScopeName = SCOPES.find((name) => name === filters.scope) ?? "account";
  const choices: Record<ScopeName, readonly Choice[]> = {
    account: view.accounts.map((account) => ({ id: account.account_id, label: account.label })),
    strategy: (strategies.data ?? []).map((strategy) => ({ id: strategy.strategy_id, label: strategy.name })),
    global: [{ id: 0, label: t("scope.global") }],
  };
  const chosen = choices[scope].find((one) => String(one.id) === filters.id) ?? choices[scope][0];
  const target: PolicyScope | null = chosen === undefined ? null : { scope, id: chosen.id };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex flex-wrap items-end gap-2 p-2">
        <Segmented
          label={t("scope.label")}
          value={scope}
          onChange={(next) => setFilters({ scope: next === "account" ? undefined : next, id: undefined })}
          segments={SCOPES.map((value) => ({ value, label: t(`scope.${value}`) }))}
          className="max-sm:w-full"
        />
        {scope !== "global" && chosen !== undefined && (
          <Select
            label={t(`scope.${scope}`)}
            hiddenLabel
            value={chosen.id}
            onChange={(id) => setFilters({ id: String(id) })}
            options={choices[scope].map((one) => ({ value: one.id, label: one.label }))}
            className="w-56"
          />
        )}
        <p className="text-xs text-muted">{t(`hint.${scope}`)}</p>
      </div>
      {target === null ? (
        <EmptyState title={t(scope === "account" ? "noAccount" : "noStrategy")} />
      ) : (
        <LimitsEditor
          key={`${scope}:${target.id}`}
          target={target}
          name={chosen?.label ?? ""}
          editable={can("kill_off", scope === "account" ? target.id : undefined)}
        />
      )}
    </div>
  );
}
