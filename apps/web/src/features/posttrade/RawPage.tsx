import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { HistoryFilters } from "@/app/HistoryFilters";
import { useHistory } from "@/app/history";
import { usePeriod } from "@/app/period";
import { SavedViews } from "@/app/SavedViews";
import { useAccountNames, useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { FrameLog } from "@/features/posttrade/FrameLog";
import { RawDrawer } from "@/features/posttrade/RawDrawer";
import { decimalOf, fieldOf, matches, readRaw, type RawKind, type RawRow } from "@/features/posttrade/rawRows";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import type { Column } from "@/kit/grid/types";
import { SubmitField } from "@/kit/SearchField";
import { Segmented } from "@/kit/Segmented";
import { Tabs } from "@/kit/Tabs";
import { useFormats } from "@/lib/format";

const VIEW_FILTERS = ["period", "symbol", "text"] as const;

/** So many rows that match are shown before more pages are asked for. */
const ENOUGH = 50;

function useColumns(kind: RawKind): readonly Column<RawRow>[] {
  const { t } = useTranslation("raw");
  const { time } = useFormats();
  const account = useAccountNames();
  return useMemo((): Column<RawRow>[] => {
    const text = (
      id: string,
      header: string,
      value: (row: RawRow) => string | null,
      extra: Partial<Column<RawRow>> = {},
    ): Column<RawRow> => ({ id, header, kind: "text", width: 96, value, ...extra });
    const field = (name: string, header: string, extra: Partial<Column<RawRow>> = {}) =>
      text(name, header, (row) => fieldOf(row, name), extra);
    const amount = (name: string, header: string, extra: Partial<Column<RawRow>> = {}): Column<RawRow> => ({
      id: name,
      header,
      kind: "decimal",
      width: 96,
      value: (row) => decimalOf(row, name),
      cell: (row) => fieldOf(row, name),
      ...extra,
    });
    const own =
      kind === "orders"
        ? [
            text("clientId", t("column.clientId"), (row) => row.client_order_id ?? null, { width: 150, priority: 4 }),
            field("type", t("column.type"), { width: 100, priority: 3 }),
            field("status", t("column.status"), { width: 84, priority: 1 }),
            amount("amount", t("column.amount")),
            amount("filled", t("column.filled")),
            amount("price", t("column.price")),
            amount("average", t("column.average"), { priority: 3 }),
          ]
        : [
            text("tradeId", t("column.tradeId"), (row) => row.exchange_trade_id ?? null, { width: 150, priority: 3 }),
            field("takerOrMaker", t("column.liquidity"), { width: 80, priority: 4 }),
            amount("amount", t("column.amount"), { priority: 1 }),
            amount("price", t("column.price")),
            amount("cost", t("column.cost"), { priority: 3 }),
          ];
    return [
      { id: "observed", header: t("column.observed"), kind: "time", width: 142, grow: 0, value: (row) => row.observed_at, cell: (row) => time(row.observed_at) },
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 4, value: (row) => row.id },
      text("account", t("column.account", { ns: "common" }), (row) => account(row.account_id).label, { width: 120 }),
      text("exchange", t("column.exchange"), (row) => row.exchange_id, { width: 112, priority: 4 }),
      text("symbol", t("column.symbol", { ns: "common" }), (row) => row.symbol, { width: 124, priority: 1 }),
      field("side", t("column.side", { ns: "common" }), { width: 60, priority: 1 }),
      text("orderId", t("column.orderId"), (row) => row.exchange_order_id, { width: 150, priority: 3 }),
      ...own,
    ];
  }, [kind, t, time, account]);
}

/** What the exchange said, and the frames that the gateway sends to this page. */
export default function RawPage() {
  const { t } = useTranslation("raw");
  const [filters, setFilters] = useFilters("view");
  return (
    <Tabs
      label={t("view.label")}
      value={filters.view === "stream" ? "stream" : "rows"}
      onChange={(view) => setFilters({ view: view === "stream" ? view : undefined })}
      tabs={[
        { id: "rows", label: t("view.rows"), content: <RawRows /> },
        { id: "stream", label: t("view.stream"), content: <FrameLog /> },
      ]}
    />
  );
}

/** Orders, each version of them, and executions, as ccxt returned them. */
function RawRows() {
  const { t } = useTranslation("raw");
  const scope = useScope();
  const days = usePeriod();
  const [filters, setFilters] = useFilters("symbol", "kind", "text");
  const kind: RawKind = filters.kind === "trades" ? "trades" : "orders";
  const wanted = filters.text ?? "";
  const symbol = filters.symbol;
  const columns = useColumns(kind);
  const [detail, setDetail] = useState<RawRow | null>(null);
  const history = useHistory<RawRow>({
    name: "raw",
    accounts: scope.parameter,
    period: days,
    filters: { kind, symbol },
    read: (query) => readRaw(kind, symbol === undefined ? query : { ...query, symbol }),
  });
  const rows = useMemo(
    () => (wanted === "" ? history.rows : history.rows.filter((row) => matches(row, wanted))),
    [history.rows, wanted],
  );
  const { more } = history;
  // The API has no filter by id: all rows of the days are read.
  useEffect(() => {
    if (wanted !== "" && rows.length < ENOUGH) more?.();
  }, [wanted, rows.length, more]);
  const grid = kind === "orders" ? "rawOrders" : "rawTrades";
  const accounts = t("accounts", { ns: "common", count: scope.ids.length });
  const searching = wanted !== "" && rows.length === 0 && !history.complete;
  return (
    <>
      <DataGrid
        id={grid}
        key={kind}
        label={t(`label.${kind}`)}
        columns={columns}
        rows={rows}
        state={searching ? { ...history.state, loading: true } : history.state}
        empty={<EmptyState title={t(`empty.${kind}`, { accounts })}>{t("stored")}</EmptyState>}
        onClearFilters={
          wanted !== "" || symbol !== undefined ? () => setFilters({ symbol: undefined, text: undefined }) : undefined
        }
        defaultSort={{ id: "observed", desc: true }}
        exportName={`raw-${kind}`}
        onOpen={setDetail}
        actions={(row) => [{ id: "details", label: t("details"), run: () => setDetail(row) }]}
        onEnd={more}
        toolbar={
          <HistoryFilters
            days={days}
            symbol={symbol ?? ""}
            onSymbol={(next) => setFilters({ symbol: next })}
            onRefresh={history.refresh}
          >
            <Segmented
              label={t("kind")}
              value={kind}
              onChange={(next) => {
                setDetail(null);
                setFilters({ kind: next === "orders" ? undefined : next });
              }}
              segments={(["orders", "trades"] as const).map((value) => ({ value, label: t(`label.${value}`) }))}
            />
            <SubmitField label={t("text")} value={wanted} onChange={(text) => setFilters({ text: text || undefined })} />
            <SavedViews key={kind} grid={grid} filters={VIEW_FILTERS} />
          </HistoryFilters>
        }
      />
      {detail !== null && <RawDrawer row={detail} rows={history.rows} onClose={() => setDetail(null)} />}
    </>
  );
}
