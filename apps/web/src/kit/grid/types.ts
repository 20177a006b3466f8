import type { ReactNode } from "react";
import type { Grouping } from "@/kit/grid/groups";
import type { MenuItem } from "@/kit/Menu";
import type { LiveRow, RowStore } from "@/live/rows";

export interface GridRowData {
  id: number;
}

/** How a column is compared, aligned and exported. */
export type ColumnKind = "text" | "decimal" | "id" | "time";

/** A cell that is painted outside React. */
export interface PaintedText {
  text: string;
  tone?: "up" | "down" | "muted" | undefined;
  title?: string | undefined;
}

export interface Column<Row> {
  id: string;
  header: string;
  kind: ColumnKind;
  /** Least width in pixels; the column grows from it by `grow` (0: never). */
  width: number;
  grow?: number;
  /** What disappears first on narrow screens: 4, then 3; 1 stays. */
  priority?: 1 | 2 | 3 | 4;
  /** Shown on cards of phones, whatever the priority. */
  onCards?: boolean;
  /** The exact value: sorted, exported and copied. */
  value: (row: Row) => string | number | null;
  /** What is shown; absent: the value. */
  cell?: (row: Row) => ReactNode;
  /** What is shown, painted whenever the live row changes. */
  live?: (row: Row) => PaintedText;
  sortable?: boolean;
  /** The sum of a group's rows, such as profit by currency. */
  subtotal?: (rows: readonly Row[]) => ReactNode;
}

/** What the view can be besides showing rows. */
export interface GridState {
  loading?: boolean;
  error?: unknown;
  onRetry?: (() => void) | undefined;
  /** The rows may be out of date: why, such as `feed 12 s late`. */
  stale?: string | null;
  /** The missing permission and who grants it. */
  forbidden?: ReactNode;
}

export interface Sort {
  id: string;
  desc: boolean;
}

export interface DataGridProps<Row extends GridRowData> {
  /** Names the grid in the preferences. */
  id: string;
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  /** Where live cells get their row from. */
  store?: RowStore<Row & LiveRow>;
  state?: GridState;
  /** Shown when there are no rows at all. */
  empty: ReactNode;
  /** Set when a filter is on: no rows then means "nothing matches". */
  onClearFilters?: (() => void) | undefined;
  defaultSort?: Sort;
  /** What rows can be grouped by. */
  groupings?: readonly Grouping<Row>[];
  /** Sums and such, by column. */
  footer?: Record<string, ReactNode>;
  /** Filters and buttons before the grid's own. */
  toolbar?: ReactNode;
  /** Base name of exported files; absent: no export. */
  exportName?: string;
  selected?: ReadonlySet<number>;
  onSelect?: (selected: ReadonlySet<number>) => void;
  /** Enter or a click. */
  onOpen?: (row: Row) => void;
  /** Key X: cancel or close, through a confirmation. */
  onAct?: (row: Row) => void;
  actions?: (row: Row) => readonly MenuItem[];
  /** Phones show the rows without actions: administration is done on larger screens. */
  readOnlyOnPhones?: boolean;
  /** Called when the end comes in sight, for lists that load by pages. */
  onEnd?: (() => void) | undefined;
}
