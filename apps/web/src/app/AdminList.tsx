import type { ReactNode } from "react";
import { useMemo } from "react";
import { AdminToolbar } from "@/app/AdminToolbar";
import { useReadState } from "@/app/readState";
import { useFilters } from "@/app/search";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import type { DataGridProps, GridRowData } from "@/kit/grid/types";

interface Props<Row extends GridRowData>
  extends Pick<DataGridProps<Row>, "id" | "label" | "columns" | "exportName" | "actions" | "onOpen" | "readOnlyOnPhones"> {
  query: Parameters<ReturnType<typeof useReadState>>[0];
  /** All rows; absent: not read yet. */
  rows: readonly Row[] | undefined;
  /** What a row is found by; the same function each time. */
  textsOf: (row: Row) => readonly (string | null)[];
  /** Name of the search in the URL. */
  filter: string;
  search: string;
  create: string;
  /** Absent: the user may not create a row. */
  onCreate: (() => void) | undefined;
  empty: string;
  emptyHint?: ReactNode;
  /** Column of the first order; descending for ids. */
  sortBy: string;
  newestFirst?: boolean;
}

/** Rows of administration: searched by name, created by a button, changed by their menus. */
export function AdminList<Row extends GridRowData>(props: Props<Row>) {
  const { filter, rows: all, textsOf, query, search, create, onCreate, empty, emptyHint, sortBy, newestFirst = false, ...grid } = props;
  const stateOf = useReadState();
  const [filters, setFilters, filtered] = useFilters(filter);
  const wanted = (filters[filter] ?? "").toLowerCase();
  const rows = useMemo(
    () => (all ?? []).filter((row) => textsOf(row).some((text) => text?.toLowerCase().includes(wanted))),
    [all, wanted, textsOf],
  );
  return (
    <DataGrid
      {...grid}
      rows={rows}
      state={stateOf(query)}
      empty={<EmptyState title={empty}>{emptyHint}</EmptyState>}
      onClearFilters={filtered ? () => setFilters({ [filter]: undefined }) : undefined}
      defaultSort={{ id: sortBy, desc: newestFirst }}
      toolbar={
        <AdminToolbar
          search={search}
          value={filters[filter]}
          onSearch={(text) => setFilters({ [filter]: text })}
          create={create}
          onCreate={onCreate}
          readOnlyOnPhones={props.readOnlyOnPhones ?? false}
        />
      }
    />
  );
}
