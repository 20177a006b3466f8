import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useReadState } from "@/app/readState";
import { useRoundTripColumns } from "@/features/backtests/columns";
import type { Details, RoundTrip, useRoundTrips } from "@/features/backtests/reads";
import { DataGrid } from "@/kit/DataGrid";
import type { Column } from "@/kit/grid/types";
import { Panel } from "@/kit/Panel";

const AROUND_DAYS = 2;
const DAY_MS = 86_400_000;

/** The chart at a trade, played back from its entry. */
function chartSearch(run: Details, trip: RoundTrip): Record<string, string> {
  return {
    exchange: run.exchange,
    symbol: run.symbol,
    tf: run.timeframe,
    end: new Date(Date.parse(trip.exit_time) + AROUND_DAYS * DAY_MS).toISOString().slice(0, 10),
    cursor: trip.entry_time,
    strategy: run.strategy,
    run: String(run.run_id),
  };
}

function ChartLink({ run, trip }: { run: Details; trip: RoundTrip }) {
  const { t } = useTranslation("research");
  return (
    <Link to="/chart" search={chartSearch(run, trip) as never} className="underline">
      {t("trip.show")}
    </Link>
  );
}

/** The column with the way to the chart. */
function chartColumn(run: Details, header: string): Column<RoundTrip> {
  return {
    id: "chart",
    header,
    kind: "text",
    width: 70,
    priority: 1,
    sortable: false,
    value: () => null,
    cell: (trip) => <ChartLink run={run} trip={trip} />,
  };
}

/** The round trips of a run. */
export function TradesPanel({ run, trips }: { run: Details; trips: ReturnType<typeof useRoundTrips> }) {
  const { t } = useTranslation("research");
  const columns = useRoundTripColumns();
  const stateOf = useReadState();
  const shown = useMemo(() => [...columns, chartColumn(run, t("trip.chart"))], [columns, run, t]);
  return (
    <Panel title={t("report.trades")} className="h-96">
      <DataGrid
        id="roundTrips"
        label={t("report.trades")}
        columns={shown}
        rows={trips.data ?? []}
        state={stateOf(trips)}
        empty={t("report.noTrades")}
        defaultSort={{ id: "number", desc: true }}
        exportName={`backtest-${run.run_id}-trades`}
      />
    </Panel>
  );
}
