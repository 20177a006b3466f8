import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Page, Position } from "@/api/types";
import { useCodeWord } from "@/app/codes";
import { useLedgerColumns } from "@/app/columns";
import { useLedgerGroupings } from "@/app/groupings";
import { HistoryGrid, type HistoryRequest } from "@/app/HistoryGrid";
import { useOpenChart } from "@/app/openChart";
import { ProfitSums } from "@/app/ProfitSums";
import { useScope } from "@/app/scope";
import { ResultHistogram } from "@/charts/ResultHistogram";
import { PositionDrawer } from "@/features/positions/PositionDrawer";
import type { Column } from "@/kit/grid/types";
import { NOTHING } from "@/lib/format";
import { fmtDuration } from "@/lib/time";
import { abs, sign } from "@/lib/decimal";
import { profitCurrency } from "@/lib/symbol";

function duration(row: Position): string {
  if (row.closed_at === null) return NOTHING;
  return fmtDuration(new Date(row.closed_at).getTime() - new Date(row.opened_at).getTime());
}

function usePositionHistoryColumns(): readonly Column<Position>[] {
  const { t } = useTranslation("deals");
  const states = useTranslation("positions").t;
  const ledger = useLedgerColumns<Position>();
  const reason = useCodeWord("reason");
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
      ledger.text("reason", t("positionHistory.reason"), (row) => (row.close_reason === null ? null : reason(row.close_reason)), { priority: 3 }),
      ledger.text("state", t("positionHistory.state"), (row) => states(`state.${row.state}`), { width: 80, priority: 3 }),
    ],
    [t, states, reason, ledger],
  );
}

const closedAt = (row: Position) => row.closed_at;

function closedOf(rows: readonly Position[]): readonly Position[] {
  return rows.filter((row) => row.state === "closed");
}

function readPositions(query: HistoryRequest) {
  return api.GET("/oms/positions/history", { params: { query } }) as Promise<{ data?: Page<Position>; response: Response }>;
}

function winners(rows: readonly Position[]) {
  return <Winners closed={closedOf(rows)} />;
}

/** Positions of any state by days, with the share of winners among what is loaded. */
export default function PositionHistoryPage() {
  const { t } = useTranslation("deals");
  const scope = useScope();
  const states = useTranslation("positions").t;
  const openChart = useOpenChart();
  const [detail, setDetail] = useState<Position | null>(null);
  const columns = usePositionHistoryColumns();
  const groupings = useLedgerGroupings(closedAt);
  return (
    <>
      <HistoryGrid<Position>
        id="positionHistory"
        name="positions"
        label={t("positionHistory.label")}
        empty={t("positionHistory.empty", { accounts: t("accounts", { ns: "common", count: scope.ids.length }) })}
        columns={columns}
        groupings={groupings}
        sortedBy="closed"
        renewedBy={["position_closed"]}
        read={readPositions}
        onOpen={setDetail}
        actions={(row) => [
          { id: "details", label: states("menu.details"), run: () => setDetail(row) },
          { id: "chart", label: states("menu.chart"), run: () => openChart(row.account_id, row.symbol, row.closed_at) },
        ]}
        renderSummary={winners}
        renderSums={(rows) => (
          <ProfitSums
            label={t("totals")}
            rows={closedOf(rows)}
            profit={(row) => row.realized_pnl}
            fees={(row) => row.fees as Record<string, string>}
          />
        )}
      />
      {detail !== null && <PositionDrawer position={detail} onClose={() => setDetail(null)} />}
    </>
  );
}

function Winners({ closed }: { closed: readonly Position[] }) {
  const { t } = useTranslation("deals");
  if (closed.length === 0) return null;
  const currencies = new Set(closed.map((row) => profitCurrency(row.symbol)));
  const won = closed.filter((row) => sign(row.realized_pnl) > 0).length;
  return (
    <span className="num flex items-center gap-2 text-xs text-muted" title={t("positionHistory.shown")}>
      {t("positionHistory.summary", { count: closed.length })},{" "}
      {t("positionHistory.won", { percent: Math.round((won * 100) / closed.length) })}
      {currencies.size === 1 && <ResultHistogram results={closed.map((row) => row.realized_pnl)} label={t("positionHistory.spread")} />}
    </span>
  );
}
