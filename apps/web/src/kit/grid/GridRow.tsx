import { memo, type CSSProperties } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/kit/Button";
import { Checkbox } from "@/kit/Checkbox";
import { Icon } from "@/kit/Icon";
import { Menu, type MenuItem } from "@/kit/Menu";
import { PaintedCell } from "@/kit/grid/PaintedCell";
import type { Column, GridRowData } from "@/kit/grid/types";
import type { LiveRow, RowStore } from "@/live/rows";

export interface GridRowProps<Row extends GridRowData> {
  row: Row;
  index: number;
  top: number;
  columns: readonly Column<Row>[];
  store: RowStore<Row & LiveRow> | undefined;
  focused: boolean;
  selected: boolean | null;
  onSelect: (row: Row, selected: boolean) => void;
  onOpen: ((row: Row) => void) | undefined;
  actions: ((row: Row) => readonly MenuItem[]) | undefined;
}

function shown<Row>(column: Column<Row>, row: Row) {
  if (column.cell !== undefined) return column.cell(row);
  const value = column.value(row);
  return value === null ? "" : String(value);
}

/** The content of one cell: painted outside React if the column is live. */
export function GridCell<Row extends GridRowData>(props: {
  column: Column<Row>;
  row: Row;
  store: RowStore<Row & LiveRow> | undefined;
}) {
  const { column, row, store } = props;
  if (column.live !== undefined && store !== undefined) {
    return <PaintedCell row={row as Row & LiveRow} store={store} paint={column.live} />;
  }
  const content = column.live === undefined ? shown(column, row) : column.live(row).text;
  return typeof content === "string" ? <span title={content}>{content}</span> : <>{content}</>;
}

export function alignOf<Row>(column: Column<Row>): "start" | "end" {
  return column.kind === "decimal" || column.kind === "id" ? "end" : "start";
}

function Row<Row extends GridRowData>(props: GridRowProps<Row>) {
  const { t } = useTranslation();
  const { row, index, top, columns, store, focused, selected, onSelect, onOpen, actions } = props;
  const style: CSSProperties = { transform: `translateY(${top}px)` };
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected ?? undefined}
      data-focused={focused || undefined}
      data-new={store?.isNew(row.id) === true || undefined}
      className="grid-row"
      style={style}
      onDoubleClick={() => onOpen?.(row)}
    >
      {selected !== null && (
        <div role="cell" className="grid-cell">
          <Checkbox
            label={t("grid.selectRow", { id: row.id })}
            hiddenLabel
            checked={selected}
            onChange={(checked) => onSelect(row, checked)}
          />
        </div>
      )}
      {columns.map((column) => (
        <div key={column.id} role="cell" className="grid-cell" data-align={alignOf(column)}>
          <GridCell column={column} row={row} store={store} />
        </div>
      ))}
      {actions !== undefined && (
        <div role="cell" className="grid-cell grid-end justify-end">
          <RowMenu row={row} actions={actions} />
        </div>
      )}
    </div>
  );
}

/** The trailing menu of a row. */
export function RowMenu<Row extends GridRowData>(props: { row: Row; actions: (row: Row) => readonly MenuItem[] }) {
  const { t } = useTranslation();
  const items = props.actions(props.row);
  if (items.length === 0) return null;
  return (
    <Menu
      items={items}
      trigger={
        <Button
          tone="quiet"
          className="h-6!"
          icon={<Icon name="more" />}
          aria-label={t("grid.rowActions", { id: props.row.id })}
        />
      }
    />
  );
}

export const GridRow = memo(Row) as typeof Row;
