import {
  columnVisibilityFeature,
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
  useTable,
  type ColumnDef,
} from "@tanstack/react-table";
import { useMemo, useState } from "react";
import { entriesOf, type Entry, type Grouping } from "@/kit/grid/groups";
import { compareValues, ShownOrder } from "@/kit/grid/order";
import type { Column, GridRowData, Sort } from "@/kit/grid/types";
import { preferences, setPreference, usePreference, type GridSettings } from "@/lib/preferences";

const features = tableFeatures({
  columnVisibilityFeature,
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
});

const NONE: GridSettings = { hidden: [], sort: null, group: null };
const NO_GROUPINGS: readonly never[] = [];

function definition<Row extends GridRowData>(column: Column<Row>): ColumnDef<typeof features, Row> {
  return {
    id: column.id,
    accessorFn: (row) => column.value(row) ?? undefined,
    enableSorting: column.sortable !== false,
    sortUndefined: "last",
    sortFn: (a, b, id) => compareValues(column.kind, a.getValue(id), b.getValue(id)),
  };
}

export interface GridModel<Row extends GridRowData> {
  /** Rows in the order to show. */
  rows: readonly Row[];
  /** The lines to draw: the rows, and the heads of their groups. */
  entries: readonly Entry<Row>[];
  /** By what the rows are grouped. */
  grouping: Grouping<Row> | null;
  groupBy: (groupingId: string | null) => void;
  columns: readonly Column<Row>[];
  sort: Sort | null;
  /** Ascending, descending, not at all. */
  toggleSort: (columnId: string) => void;
  hidden: ReadonlySet<string>;
  toggleColumn: (columnId: string) => void;
}

/**
 * Sorting and visible columns of a grid, remembered in the preferences. While `held`, no row moves:
 * a row never leaves from under a click.
 */
export function useGridTable<Row extends GridRowData>(
  id: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  defaultSort: Sort | null,
  held: boolean,
  groupings: readonly Grouping<Row>[] = NO_GROUPINGS,
): GridModel<Row> {
  const settings = usePreference("grids")[id] ?? NONE;
  const sort = settings.sort ?? defaultSort;
  const definitions = useMemo(() => columns.map(definition), [columns]);
  const visibility = useMemo(
    () => Object.fromEntries(settings.hidden.map((column) => [column, false])),
    [settings.hidden],
  );
  const sorting = useMemo(() => (sort === null ? [] : [{ id: sort.id, desc: sort.desc }]), [sort]);
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: (row) => String(row.id),
    state: { sorting, columnVisibility: visibility },
  });
  const sorted = table.getRowModel().rows.map((row) => row.original);
  const grouping = groupings.find((one) => one.id === settings.group) ?? null;
  const entries = entriesOf(useHeldRows(sorted, held), grouping);
  const shown = new Set(table.getVisibleLeafColumns().map((column) => column.id));

  const save = (change: Partial<GridSettings>) =>
    setPreference("grids", { ...preferences.get().grids, [id]: { ...settings, ...change } });

  return {
    rows: entries.flatMap((entry) => (entry.kind === "row" ? [entry.row] : [])),
    entries,
    grouping,
    groupBy: (group) => save({ group }),
    columns: columns.filter((column) => shown.has(column.id)),
    sort,
    toggleSort: (columnId) => save({ sort: nextSort(sort, columnId) }),
    hidden: new Set(settings.hidden),
    toggleColumn: (columnId) =>
      save({
        hidden: settings.hidden.includes(columnId)
          ? settings.hidden.filter((known) => known !== columnId)
          : [...settings.hidden, columnId],
      }),
  };
}

function nextSort(sort: Sort | null, id: string): Sort {
  return sort?.id === id ? { id, desc: !sort.desc } : { id, desc: false };
}

/** The rows in their order; while `held`, in the order that was shown before. */
function useHeldRows<Row extends GridRowData>(sorted: readonly Row[], held: boolean): readonly Row[] {
  const [order] = useState(() => new ShownOrder());
  return order.next(sorted, held);
}
