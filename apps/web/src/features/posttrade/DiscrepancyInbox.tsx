import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import { useReadState } from "@/app/readState";
import { SavedViews } from "@/app/SavedViews";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { useDiscrepancyColumns } from "@/features/posttrade/discrepancyColumns";
import { DecideDialog, type Decision } from "@/features/posttrade/DecideDialog";
import { mayDecide, STATUSES, type Discrepancy } from "@/features/posttrade/differences";
import { DiscrepancyDrawer } from "@/features/posttrade/DiscrepancyDrawer";
import { Button } from "@/kit/Button";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import { Select } from "@/kit/Select";
import { useCan } from "@/lib/permissions";
import { useLiveEvents } from "@/live/hooks";

const VIEW_FILTERS = ["status"] as const;

const NO_ROWS: readonly Discrepancy[] = [];
const PAGE_SIZE = 200;
const EVENTS = ["discrepancy_opened", "discrepancy_closed"];

function useDiscrepancies(accounts: string, status: string) {
  return useInfiniteQuery({
    queryKey: ["discrepancies", accounts, status],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      call(
        api.GET("/oms/discrepancies", {
          params: { query: { account_ids: accounts, status, limit: PAGE_SIZE, ...(pageParam === "" ? {} : { cursor: pageParam }) } as never },
        }),
      ),
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    enabled: accounts !== "",
  });
}

/** Differences between book and exchange: both sides, the proposed fix, and decisions. */
export function DiscrepancyInbox() {
  const { t } = useTranslation("posttrade");
  const scope = useScope();
  const can = useCan();
  const [filters, setFilters] = useFilters("status");
  const status = STATUSES.find((one) => one === filters.status) ?? "open";
  const query = useDiscrepancies(scope.parameter, status);
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? NO_ROWS, [query.data]);
  useLiveEvents(EVENTS, () => void query.refetch());
  const stateOf = useReadState();
  const columns = useDiscrepancyColumns();
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [deciding, setDeciding] = useState<{ decision: Decision; rows: readonly Discrepancy[] } | null>(null);
  const [detail, setDetail] = useState<Discrepancy | null>(null);
  const allowed = (row: Discrepancy, decision: Decision) => can("reassign", row.account_id) && mayDecide(row, decision);
  const decidable = (decision: Decision) => rows.filter((row) => selected.has(row.id) && allowed(row, decision));
  const decisions = (row: Discrepancy) => (["apply", "dismiss"] as const).filter((one) => allowed(row, one));

  return (
    <div className="flex min-h-64 flex-1 flex-col">
      <DataGrid
        id="discrepancies"
        label={t("inbox.label")}
        columns={columns}
        rows={rows}
        state={stateOf(query, scope.parameter !== "")}
        empty={<EmptyState title={t(`inbox.empty.${status}`)} />}
        defaultSort={{ id: "lastSeen", desc: true }}
        exportName="discrepancies"
        onOpen={setDetail}
        onEnd={query.hasNextPage && !query.isFetchingNextPage && !query.isFetchNextPageError ? () => void query.fetchNextPage() : undefined}
        actions={(row) => [
          { id: "details", label: t("details"), run: () => setDetail(row) },
          ...decisions(row).map((decision) => ({
            id: decision,
            label: t(`decide.${decision}`),
            run: () => setDeciding({ decision, rows: [row] }),
          })),
        ]}
        {...(can("reassign") ? { selected, onSelect: setSelected } : {})}
        toolbar={
          <>
            <h2 className="text-sm font-semibold">{t("inbox.label")}</h2>
            <Select
              label={t("inbox.status")}
              hiddenLabel
              value={status}
              onChange={(value) => setFilters({ status: value === "open" ? undefined : value })}
              options={STATUSES.map((value) => ({ value, label: t(`status.${value}`) }))}
              className="w-36"
            />
            <SavedViews grid="discrepancies" filters={VIEW_FILTERS} />
            {(["apply", "dismiss"] as const).map((decision) => {
              const chosen = decidable(decision);
              return (
                chosen.length > 0 && (
                  <Button key={decision} onClick={() => setDeciding({ decision, rows: chosen })}>
                    {t(`decide.${decision}Many`, { count: chosen.length })}
                  </Button>
                )
              );
            })}
          </>
        }
      />
      {deciding !== null && <DecideDialog {...deciding} onClose={() => setDeciding(null)} />}
      {detail !== null && <DiscrepancyDrawer row={detail} onClose={() => setDetail(null)} />}
    </div>
  );
}
