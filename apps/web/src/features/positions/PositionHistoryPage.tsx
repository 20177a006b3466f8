import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Page, Position } from "@/api/types";
import { useLedgerColumns } from "@/app/columns";
import { HistoryFilters } from "@/app/HistoryFilters";
import { useHistory } from "@/app/history";
import { usePeriod } from "@/app/period";
import { ProfitSums } from "@/app/ProfitSums";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { PositionDrawer } from "@/features/positions/PositionDrawer";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import type { Column } from "@/kit/grid/types";
import { NOTHING } from "@/lib/format";
import { fmtDuration } from "@/lib/time";
import { abs, sign } from "@/lib/decimal";
import { useLiveEvents } from "@/live/hooks";

function duration(row: Position): string {
  if (row.closed_at === null) return NOTHING;
  return fmtDuration(new Date(row.closed_at).getTime() - new Date(row.opened_at).getTime());
}

function usePositionHistoryColumns(): readonly Column<Position>[] {
  const { t } = useTranslation("deals");
  const states = useTranslation("positions").t;
  const ledger = useLedgerColumns<Position>();
  return useMemo(
    (): Column<Position>[] => [
      ledger.time("closed", t("positionHistory.closed"), (row) => row.closed_at),
      ledger.time("opened", t("positionHistory.opened"), (row) => row.opened_at, { priority: 3 }),
      ledger.id,
      ledger.account,
      ledger.environment,
      ledger.strategy,
      ledger.symbol,
      ledger.side(true),
      ledger.decimal("maxQty", t("positionHistory.maxQty"), (row) => abs(row.max_qty), { width: 92 }),
      ledger.price("avg", t("positionHistory.avgPrice"), (row) => row.avg_price),
      ledger.price("close", t("positionHistory.closePrice"), (row) => row.close_price, { width: 104 }),
      ledger.profit("realized", t("positionHistory.realized"), (row) => row.realized_pnl, { priority: 1 }),
      ledger.text("duration", t("positionHistory.duration"), duration, { width: 76, sortable: false }),
      ledger.text("reason", t("positionHistory.reason"), (row) => row.close_reason, { priority: 3 }),
      ledger.text("state", t("positionHistory.state"), (row) => states(`state.${row.state}`), { width: 80, priority: 3 }),
    ],
    [t, states, ledger],
  );
}

/** Positions of any state by days, with the share of winners among what is loaded. */
export default function PositionHistoryPage() {
  const { t } = useTranslation("deals");
  const scope = useScope();
  const days = usePeriod();
  const [filters, setFilters, filtered] = useFilters("symbol");
  const [detail, setDetail] = useState<Position | null>(null);
  const columns = usePositionHistoryColumns();
  const history = useHistory<Position>({
    name: "positions",
    accounts: scope.parameter,
    period: days,
    filters,
    read: (query) =>
      api.GET("/oms/positions/history", { params: { query: { ...query, ...filters } } }) as Promise<{
        data?: Page<Position>;
        response: Response;
      }>,
  });
  useLiveEvents(["position_closed"], history.refresh);
  const closed = history.rows.filter((row) => row.state === "closed");
  const won = closed.filter((row) => sign(row.realized_pnl) > 0).length;
  return (
    <>
      <DataGrid
        id="positionHistory"
        label={t("positionHistory.label")}
        columns={columns}
        rows={history.rows}
        state={history.state}
        empty={
          <EmptyState
            title={t("positionHistory.empty", { accounts: t("accounts", { ns: "common", count: scope.ids.length }) })}
          />
        }
        onClearFilters={filtered ? () => setFilters({ symbol: undefined }) : undefined}
        defaultSort={{ id: "closed", desc: true }}
        exportName="positions"
        onOpen={setDetail}
        onEnd={history.more}
        toolbar={
          <>
            <HistoryFilters
              days={days}
              symbol={filters.symbol ?? ""}
              onSymbol={(symbol) => setFilters({ symbol })}
              onRefresh={history.refresh}
            />
            {closed.length > 0 && (
              <span className="num text-xs text-muted" title={t("positionHistory.shown")}>
                {t("positionHistory.summary", { count: closed.length })},{" "}
                {t("positionHistory.won", { percent: Math.round((won * 100) / closed.length) })}
              </span>
            )}
          </>
        }
      />
      <ProfitSums
        label={t("totals")}
        rows={closed}
        profit={(row) => row.realized_pnl}
        fees={(row) => row.fees as Record<string, string>}
      />
      {detail !== null && <PositionDrawer position={detail} onClose={() => setDetail(null)} />}
    </>
  );
}
