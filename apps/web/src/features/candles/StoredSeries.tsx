import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useReadState } from "@/app/readState";
import { CoverageBar } from "@/features/candles/CoverageBar";
import { GapsDrawer } from "@/features/candles/GapsDrawer";
import { useCoverage, type Span, type Stored } from "@/features/candles/reads";
import { SeriesLink } from "@/features/candles/SeriesLink";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import type { Column } from "@/kit/grid/types";
import { NOTHING, useFormats } from "@/lib/format";
import { fmtDuration } from "@/lib/time";

function spanOf(rows: readonly Stored[]): Span {
  const first = Math.min(...rows.map((row) => Date.parse(row.first)));
  const last = Math.max(...rows.map((row) => Date.parse(row.last_close)));
  return [first, last];
}

function useColumns(span: Span): readonly Column<Stored>[] {
  const { t } = useTranslation("candles");
  const { time, number } = useFormats();
  return useMemo(
    (): Column<Stored>[] => [
      { id: "symbol", header: t("column.symbol", { ns: "common" }), kind: "text", width: 140, priority: 1, value: (row) => row.symbol, cell: (row) => <SeriesLink {...row} /> },
      { id: "exchange", header: t("series.exchange"), kind: "text", width: 120, priority: 1, value: (row) => row.exchange },
      { id: "timeframe", header: t("timeframe", { ns: "research" }), kind: "text", width: 80, priority: 1, value: (row) => row.timeframe },
      { id: "bar", header: t("coverage.bar"), kind: "text", width: 180, grow: 2, priority: 2, sortable: false, value: (row) => row.first, cell: (row) => <CoverageBar row={row} span={span} /> },
      { id: "candles", header: t("coverage.candles"), kind: "decimal", width: 96, priority: 2, value: (row) => String(row.candles), cell: (row) => number(String(row.candles)) },
      {
        id: "missing",
        header: t("coverage.missing"),
        kind: "decimal",
        width: 90,
        priority: 1,
        value: (row) => (row.missing === null ? null : String(row.missing)),
        cell: (row) => (
          <span className={row.missing !== null && row.missing > 0 ? "text-warn" : ""}>{row.missing === null ? NOTHING : number(String(row.missing))}</span>
        ),
      },
      { id: "first", header: t("coverage.first"), kind: "time", width: 142, priority: 3, value: (row) => row.first, cell: (row) => time(row.first) },
      { id: "lastClose", header: t("coverage.lastClose"), kind: "time", width: 142, priority: 2, value: (row) => row.last_close, cell: (row) => time(row.last_close) },
      { id: "lag", header: t("series.lag"), kind: "decimal", width: 90, priority: 1, value: (row) => String(Math.floor(row.lag_seconds)), cell: (row) => fmtDuration(row.lag_seconds * 1000) },
    ],
    [t, time, number, span],
  );
}

/** What is stored of each series, how far it is behind, and what is missing of it. */
export function StoredSeries() {
  const { t } = useTranslation("candles");
  const query = useCoverage();
  const stateOf = useReadState();
  const rows = useMemo(() => query.data ?? [], [query.data]);
  const columns = useColumns(useMemo(() => spanOf(rows), [rows]));
  const [shown, setShown] = useState<Stored | null>(null);
  return (
    <>
      <DataGrid
        id="coverage"
        label={t("coverage.title")}
        columns={columns}
        rows={rows}
        state={stateOf(query)}
        empty={<EmptyState title={t("coverage.none")}>{t("coverage.noneHint")}</EmptyState>}
        exportName="candle-coverage"
        onOpen={setShown}
        actions={(row) => [{ id: "gaps", label: t("coverage.gaps"), run: () => setShown(row) }]}
      />
      {shown !== null && <GapsDrawer series={shown} onClose={() => setShown(null)} />}
    </>
  );
}
