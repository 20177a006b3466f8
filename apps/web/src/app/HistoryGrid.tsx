import type { ReactNode } from "react";
import { HistoryFilters } from "@/app/HistoryFilters";
import { useHistory, type HistoryOptions, type HistoryQuery } from "@/app/history";
import { usePeriod } from "@/app/period";
import { SavedViews } from "@/app/SavedViews";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { DataGrid } from "@/kit/DataGrid";
import type { Column, DataGridProps, GridRowData } from "@/kit/grid/types";

/** What a list is asked with: the filters of the URL, by their names. */
export type HistoryRequest = HistoryQuery & { status?: string };

export interface HistoryGridProps<Row extends GridRowData>
  extends Required<Pick<HistoryOptions<Row>, "name" | "renewedBy">>, Pick<DataGridProps<Row>, "groupings" | "actions"> {
  /** Names the grid in the preferences, and its files. */
  id: string;
  label: string;
  empty: string;
  columns: readonly Column<Row>[];
  /** The column of the newest first. */
  sortedBy: string;
  read: (query: HistoryRequest) => ReturnType<HistoryOptions<Row>["read"]>;
  onOpen?: (row: Row) => void;
  /** A further filter of the URL, and its field. */
  filter?: { name: string; renderField: (value: string | undefined, choose: (value: string | undefined) => void) => ReactNode };
  /** Beside the filters: figures of what is loaded. */
  renderSummary?: (rows: readonly Row[]) => ReactNode;
  /** Below the grid: sums of what is loaded. */
  renderSums?: (rows: readonly Row[]) => ReactNode;
}

/** A list of the past: days, symbol, further filters, rows by pages, the newest first. */
export function HistoryGrid<Row extends GridRowData>(props: HistoryGridProps<Row>) {
  const { name, renewedBy, read, filter, renderSummary, renderSums } = props;
  const scope = useScope();
  const days = usePeriod();
  const names = filter === undefined ? ["symbol"] : ["symbol", filter.name];
  const [filters, setFilters, filtered] = useFilters(...names);
  const history = useHistory<Row>({
    name,
    renewedBy,
    accounts: scope.parameter,
    period: days,
    filters,
    read: (query) => read({ ...query, ...filters }),
  });
  return (
    <>
      <DataGrid
        id={props.id}
        label={props.label}
        columns={props.columns}
        rows={history.rows}
        state={history.state}
        empty={props.empty}
        onClearFilters={filtered ? () => setFilters(Object.fromEntries(names.map((one) => [one, undefined]))) : undefined}
        defaultSort={{ id: props.sortedBy, desc: true }}
        exportName={props.id}
        {...(props.groupings === undefined ? {} : { groupings: props.groupings })}
        {...(props.actions === undefined ? {} : { actions: props.actions })}
        {...(props.onOpen === undefined ? {} : { onOpen: props.onOpen })}
        onEnd={history.more}
        toolbar={
          <>
            <HistoryFilters
              days={days}
              symbol={filters["symbol"] ?? ""}
              onSymbol={(symbol) => setFilters({ symbol })}
              onRefresh={history.refresh}
            >
              {filter?.renderField(filters[filter.name], (value) => setFilters({ [filter.name]: value }))}
            </HistoryFilters>
            <SavedViews grid={props.id} filters={["period", ...names]} />
            {renderSummary?.(history.rows)}
          </>
        }
      />
      {renderSums?.(history.rows)}
    </>
  );
}
