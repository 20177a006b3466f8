import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useRef, useState, type CSSProperties } from "react";
import { GridCards } from "@/kit/grid/GridCards";
import { GridHead } from "@/kit/grid/GridHead";
import { GridNotice } from "@/kit/grid/GridNotice";
import { alignOf, GridRow } from "@/kit/grid/GridRow";
import { GridToolbar } from "@/kit/grid/GridToolbar";
import { GroupRow } from "@/kit/grid/GroupRow";
import { useGridKeys } from "@/kit/grid/useGridKeys";
import { fittingColumns, useWidth } from "@/kit/grid/fit";
import { useGridTable, type GridModel } from "@/kit/grid/useGridTable";
import type { Column, DataGridProps, GridRowData } from "@/kit/grid/types";
import { cx } from "@/lib/cx";
import { PHONE, useMedia } from "@/lib/media";
import { usePreference } from "@/lib/preferences";
import { isLayerOpen } from "@/lib/shortcuts";

const ROW_HEIGHT = { compact: 22, default: 26, comfortable: 34 };
const TOUCH_ROW = 44;
const NEAR_END = 20;
/** Rows that are drawn above and below those in view. */
const OVERSCAN = 6;
const CHECK_WIDTH = 32;
const ACTION_WIDTH = 40;

/** Rows as a table: virtual, sorted, with live cells, a keyboard and all six states. */
export function DataGrid<Row extends GridRowData>(props: DataGridProps<Row>) {
  const [pointer, setPointer] = useState(false);
  const [focus, setFocus] = useState(false);
  const phone = useMedia(PHONE);
  const held = pointer || focus || (props.store !== undefined && isLayerOpen());
  const [box, width] = useWidth();
  const model = useGridTable(
    props.id,
    props.columns,
    props.rows,
    props.defaultSort ?? null,
    held && props.rows.length > 0,
    props.groupings,
  );
  const state = props.state ?? {};
  const reserved = (props.onSelect === undefined ? 0 : CHECK_WIDTH) + (props.actions === undefined ? 0 : ACTION_WIDTH);
  const fitting = phone ? model.columns : fittingColumns(model.columns, width - reserved);
  const notice = props.rows.length === 0 || state.forbidden !== undefined;
  return (
    <div ref={box} className={cx("flex min-h-0 min-w-0 flex-1 flex-col", state.stale && "grid-stale")}>
      <GridToolbar
        count={props.rows.length}
        held={props.store === undefined || model.sort === null ? null : held}
        stale={state.stale ?? null}
        columns={props.columns}
        hidden={model.hidden}
        shown={new Set(fitting.map((column) => column.id))}
        onToggleColumn={model.toggleColumn}
        groupings={props.groupings ?? []}
        grouping={model.grouping}
        onGroup={model.groupBy}
        rows={model.rows}
        exportName={props.exportName}
      >
        {props.toolbar}
      </GridToolbar>
      <div
        className="flex min-h-0 flex-1 flex-col"
        onPointerEnter={() => setPointer(true)}
        onPointerLeave={() => setPointer(false)}
        onFocus={() => setFocus(true)}
        onBlur={() => setFocus(false)}
      >
        {notice ? (
          <div className="flex min-h-40 flex-1 overflow-auto border-t border-line">
            <GridNotice state={state} empty={props.empty} onClearFilters={props.onClearFilters} />
          </div>
        ) : phone ? (
          <div className="min-h-0 flex-1 overflow-y-auto">
            <GridCards {...props} {...(props.readOnlyOnPhones === true ? { actions: undefined } : {})} columns={model.columns} entries={model.entries} />
          </div>
        ) : (
          <GridTable {...props} model={{ ...model, columns: fitting }} />
        )}
      </div>
    </div>
  );
}

function template<Row>(columns: readonly Column<Row>[], check: boolean, actions: boolean): CSSProperties {
  const tracks = columns.map((column) => {
    const grow = column.grow ?? 1;
    return grow === 0 ? `${column.width}px` : `minmax(${column.width}px, ${grow * column.width}fr)`;
  });
  if (check) tracks.unshift(`${CHECK_WIDTH}px`);
  if (actions) tracks.push(`${ACTION_WIDTH}px`);
  const width =
    columns.reduce((total, column) => total + column.width, 0) + (check ? CHECK_WIDTH : 0) + (actions ? ACTION_WIDTH : 0);
  return { "--columns": tracks.join(" "), "--width": `${width}px` } as CSSProperties;
}

function useRowHeight(): number {
  const density = usePreference("density");
  const touch = useMedia("(pointer: coarse)");
  return touch ? TOUCH_ROW : ROW_HEIGHT[density];
}

function GridTable<Row extends GridRowData>(props: DataGridProps<Row> & { model: GridModel<Row> }) {
  const { model, store, selected, onSelect, onOpen, onAct, actions, footer, onEnd } = props;
  const { rows, entries } = model;
  const box = useRef<HTMLDivElement>(null);
  const height = useRowHeight();
  const virtual = useVirtualizer({
    count: entries.length,
    getScrollElement: () => box.current,
    estimateSize: () => height,
    overscan: OVERSCAN,
    getItemKey: (index) => {
      const entry = entries[index];
      return entry?.kind === "group" ? `group ${entry.key}` : (entry?.row.id ?? index);
    },
    onChange: (instance) => {
      const last = instance.getVirtualItems().at(-1)?.index ?? 0;
      if (last >= entries.length - NEAR_END) onEnd?.();
    },
  });
  const select = useCallback(
    (row: Row, on: boolean) => {
      const next = new Set(selected);
      if (on) next.add(row.id);
      else next.delete(row.id);
      onSelect?.(next);
    },
    [selected, onSelect],
  );
  const keys = useGridKeys({
    rows,
    scrollTo: (row) => virtual.scrollToIndex(entries.findIndex((entry) => entry.kind === "row" && entry.row === row)),
    onOpen,
    onAct,
    onToggle: onSelect === undefined ? undefined : (row) => select(row, selected?.has(row.id) !== true),
  });
  const withCheck = onSelect !== undefined;
  const count = selected?.size ?? 0;
  const selection = withCheck
    ? {
        checked: count === 0 ? false : count >= rows.length ? true : ("mixed" as const),
        onChange: (on: boolean) => onSelect(new Set(on ? rows.map((row) => row.id) : [])),
      }
    : null;
  const head = {
    columns: model.columns,
    sort: model.sort,
    onSort: model.toggleSort,
    selection,
    withActions: actions !== undefined,
  };

  return (
    <div
      ref={box}
      role="table"
      aria-label={props.label}
      aria-rowcount={entries.length + 1}
      tabIndex={0}
      onKeyDown={keys.onKeyDown}
      className="grid-scroll min-h-0 flex-1 border-t border-line"
      style={template(model.columns, withCheck, actions !== undefined)}
    >
      <GridHead {...head} />
      <div
        role="rowgroup"
        className="grid-body relative"
        style={{ height: virtual.getTotalSize(), minWidth: "var(--width)" }}
      >
        {virtual.getVirtualItems().map((item) => {
          const entry = entries[item.index];
          if (entry === undefined) return null;
          if (entry.kind === "group") {
            return (
              <GroupRow
                key={item.key}
                entry={entry}
                index={item.index}
                top={item.start}
                columns={model.columns}
                span={model.columns.length + (withCheck ? 1 : 0) + (actions === undefined ? 0 : 1)}
                partial={onEnd !== undefined}
              />
            );
          }
          const { row } = entry;
          return (
            <GridRow
              key={item.key}
              row={row}
              index={item.index}
              top={item.start}
              columns={model.columns}
              store={store}
              focused={keys.focusedId === row.id}
              selected={withCheck ? (selected?.has(row.id) ?? false) : null}
              onSelect={select}
              onOpen={onOpen}
              actions={actions}
            />
          );
        })}
      </div>
      {footer !== undefined && (
        <div role="row" className="grid-row grid-foot">
          {withCheck && <div role="cell" className="grid-cell" />}
          {model.columns.map((column) => (
            <div key={column.id} role="cell" className="grid-cell font-semibold" data-align={alignOf(column)}>
              {footer[column.id]}
            </div>
          ))}
          {actions !== undefined && <div role="cell" className="grid-cell grid-end" />}
        </div>
      )}
    </div>
  );
}
