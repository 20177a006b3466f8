import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useReadState } from "@/app/readState";
import { useFilters } from "@/app/search";
import { useBacktestColumns } from "@/features/backtests/columns";
import { BACKTESTS_QUERY, deleteRun, isUnderWay, RANKS, useBacktests, type Backtest, type Rank } from "@/features/backtests/reads";
import { Button } from "@/kit/Button";
import { Confirm } from "@/kit/Confirm";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import { Icon } from "@/kit/Icon";
import { Select } from "@/kit/Select";
import { Spinner } from "@/kit/Spinner";
import { useCan } from "@/lib/permissions";
import { useLiveEvents } from "@/live/hooks";

const Report = lazy(async () => ({ default: (await import("@/features/backtests/Report")).Report }));
// Apart from the page, so that its list is shown before the forms are read.
const NewRunDialog = lazy(async () => ({ default: (await import("@/features/backtests/NewRunDialog")).NewRunDialog }));
const Compare = lazy(async () => ({ default: (await import("@/features/backtests/Compare")).Compare }));

const COMPARED_MAX = 6;

function idsOf(text: string | undefined): number[] {
  return (text ?? "").split(",").filter((part) => /^\d{1,15}$/.test(part)).map(Number);
}

/** Backtests: their list, the report of one, some side by side. */
export default function BacktestsPage() {
  const [filters, setFilters] = useFilters("run", "compare");
  const [run] = idsOf(filters.run);
  const compared = idsOf(filters.compare).slice(0, COMPARED_MAX);
  const back = () => setFilters({ run: undefined, compare: undefined });
  return (
    <Suspense fallback={<Spinner />}>
      {run !== undefined ? <Report id={run} onBack={back} /> : compared.length > 1 ? <Compare ids={compared} onBack={back} /> : <BacktestList />}
    </Suspense>
  );
}

function BacktestList() {
  const { t } = useTranslation("research");
  const client = useQueryClient();
  const can = useCan();
  const [filters, setFilters] = useFilters("rank", "strategy", "run", "compare", "new");
  const rank = RANKS.find((name) => name === filters.rank) ?? null;
  const query = useBacktests(rank, filters.strategy ?? null);
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items.map((row): Backtest => ({ ...row, id: row.run_id }))) ?? [], [query.data]);
  const columns = useBacktestColumns();
  const stateOf = useReadState();
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [isNew, setNew] = useState(filters.new !== undefined);
  const [removed, setRemoved] = useState<Backtest | null>(null);
  const renew = () => void client.invalidateQueries({ queryKey: BACKTESTS_QUERY });
  useLiveEvents(["backtest_done"], renew);
  const chosen = rows.filter((row) => selected.has(row.id) && row.status === "done");
  return (
    <>
      <DataGrid
        id="backtests"
        label={t("backtests")}
        columns={columns}
        rows={rows}
        state={stateOf(query)}
        empty={<EmptyState title={t("run.none")}>{t("run.noneHint")}</EmptyState>}
        onClearFilters={filters.strategy === undefined ? undefined : () => setFilters({ strategy: undefined })}
        exportName="backtests"
        selected={selected}
        onSelect={setSelected}
        onOpen={(row) => setFilters({ run: String(row.id) })}
        onEnd={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined}
        actions={(row) => [
          { id: "open", label: t("run.open"), run: () => setFilters({ run: String(row.id) }) },
          ...(can("research")
            ? [{ id: "remove", label: t(isUnderWay(row) ? "run.cancel" : "run.remove"), danger: true, run: () => setRemoved(row) }]
            : []),
        ]}
        toolbar={
          <>
            {can("research") && (
              <Button tone="primary" icon={<Icon name="plus" />} onClick={() => setNew(true)}>
                {t("run.title")}
              </Button>
            )}
            <Select
              label={t("rank.label")}
              hiddenLabel
              value={rank ?? ""}
              onChange={(next: Rank | "") => setFilters({ rank: next || undefined })}
              options={[{ value: "" as const, label: t("rank.newest") }, ...RANKS.map((value) => ({ value, label: t("rank.by", { figure: t(`figure.${value}`) }) }))]}
              className="w-56"
            />
            <Button
              disabled={chosen.length < 2 || chosen.length > COMPARED_MAX}
              onClick={() => setFilters({ compare: chosen.map((row) => row.id).join(",") })}
            >
              {t("compare.action", { count: chosen.length })}
            </Button>
          </>
        }
      />
      {isNew && (
        <Suspense fallback={null}>
          <NewRunDialog
            strategy={filters.new ?? null}
            onClose={() => {
              setNew(false);
              setFilters({ new: undefined });
            }}
            onRequested={(id) => setFilters({ run: String(id), new: undefined })}
          />
        </Suspense>
      )}
      {removed !== null && (
        <Confirm
          open
          tier={2}
          onClose={() => setRemoved(null)}
          title={t(isUnderWay(removed) ? "run.cancel" : "run.remove")}
          effect={t(isUnderWay(removed) ? "run.cancelEffect" : "run.removeEffect", { id: removed.id })}
          action={t(isUnderWay(removed) ? "run.cancel" : "run.remove")}
          onConfirm={async () => {
            await deleteRun(removed.id);
            renew();
          }}
        />
      )}
    </>
  );
}
