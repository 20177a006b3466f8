import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { HistoryFilters } from "@/app/HistoryFilters";
import { usePeriod } from "@/app/period";
import { useReadState } from "@/app/readState";
import { SavedViews } from "@/app/SavedViews";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { useExecutionColumns, useResultColumns } from "@/features/stats/columns";
import { StatsFilters } from "@/features/stats/StatsFilters";
import { EXECUTION_GROUPS, GROUPS, useExecution, useResults, type Filters } from "@/features/stats/reads";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import { Segmented } from "@/kit/Segmented";
import { Select } from "@/kit/Select";

const VIEW_FILTERS = ["period", "symbol", "group", "strategy", "source"] as const;

const TABS = ["results", "execution"] as const;

/** What closed positions brought, and how orders were executed, for all and by group. */
export default function StatsPage() {
  const { t } = useTranslation("stats");
  const [search, setSearch] = useFilters("tab");
  const tab = TABS.find((one) => one === search.tab) ?? "results";
  const tabs = (
    <Segmented
      label={t("tabs")}
      value={tab}
      onChange={(next) => setSearch({ tab: next === "results" ? undefined : next })}
      segments={TABS.map((value) => ({ value, label: t(`tab.${value}`) }))}
    />
  );
  return tab === "results" ? <Results tabs={tabs} /> : <Execution tabs={tabs} />;
}

function useStatsFilters<Group extends string>(groups: readonly Group[], first: Group) {
  const { t } = useTranslation("stats");
  const scope = useScope();
  const days = usePeriod();
  const [search, setSearch] = useFilters("symbol", "group", "strategy", "source");
  const group = groups.find((one) => one === search.group) ?? first;
  const { symbol, strategy, source } = search;
  const filters: Filters = { accounts: scope.parameter, days, symbol, strategy, source };
  const fields = (refresh: () => void) => (
    <HistoryFilters days={days} symbol={search.symbol ?? ""} onSymbol={(symbol) => setSearch({ symbol })} onRefresh={refresh}>
      <Select
        label={t("groupBy")}
        hiddenLabel
        value={group}
        onChange={(next) => setSearch({ group: next === first ? undefined : next })}
        options={groups.map((value) => ({ value, label: t(`group.${value}` as "group.symbol") }))}
        className="w-40"
      />
      <StatsFilters strategy={strategy} source={source} onChange={setSearch} />
    </HistoryFilters>
  );
  return { filters, group, fields };
}

function Results({ tabs }: { tabs: ReactNode }) {
  const { t } = useTranslation("stats");
  const { filters, group, fields } = useStatsFilters(GROUPS, "strategy");
  const read = useResults(filters, group);
  const stateOf = useReadState();
  return (
    <DataGrid
      id="results"
      label={t("tab.results")}
      columns={useResultColumns(group)}
      rows={read.data ?? []}
      state={stateOf(read, filters.accounts !== "")}
      empty={<EmptyState title={t("empty")} />}
      exportName="results"
      toolbar={
        <>
          {tabs}
          {fields(() => void read.refetch())}
          <SavedViews grid="results" filters={VIEW_FILTERS} />
        </>
      }
    />
  );
}

function Execution({ tabs }: { tabs: ReactNode }) {
  const { t } = useTranslation("stats");
  const { filters, group, fields } = useStatsFilters(EXECUTION_GROUPS, "symbol");
  const read = useExecution(filters, group);
  const stateOf = useReadState();
  return (
    <DataGrid
      id="execution"
      label={t("tab.execution")}
      columns={useExecutionColumns(group)}
      rows={read.data ?? []}
      state={stateOf(read, filters.accounts !== "")}
      empty={<EmptyState title={t("empty")} />}
      exportName="execution"
      toolbar={
        <>
          {tabs}
          {fields(() => void read.refetch())}
          <SavedViews grid="execution" filters={VIEW_FILTERS} />
        </>
      }
    />
  );
}
