import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/kit/Button";
import { GridCell, RowMenu } from "@/kit/grid/GridRow";
import type { Entry } from "@/kit/grid/groups";
import { GroupLine } from "@/kit/grid/GroupRow";
import type { Column, DataGridProps, GridRowData } from "@/kit/grid/types";

const SHOWN = 100;

type Props<Row extends GridRowData> = Pick<DataGridProps<Row>, "store" | "onOpen" | "onEnd" | "label"> & {
  actions?: DataGridProps<Row>["actions"] | undefined;
  columns: readonly Column<Row>[];
  entries: readonly Entry<Row>[];
};

/** The rows as cards, for phones: the columns of priority 1 first and large, then those of 2 and `onCards`. */
export function GridCards<Row extends GridRowData>({ entries, columns, store, actions, onOpen, onEnd, label }: Props<Row>) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(SHOWN);
  const first = columns.filter((column) => (column.priority ?? 2) === 1);
  const second = columns.filter((column) => (column.priority ?? 2) === 2 || (column.onCards === true && column.priority !== 1));
  return (
    <>
      <ul aria-label={label} className="flex flex-col gap-2 p-2">
        {entries.slice(0, shown).map((entry) => {
          if (entry.kind === "group") {
            return (
              <li key={`group ${entry.key}`} className="num flex flex-wrap items-baseline gap-x-4 gap-y-1 px-1 pt-2 text-sm">
                <GroupLine entry={entry} columns={columns} partial={onEnd !== undefined} />
              </li>
            );
          }
          const { row } = entry;
          return (
            <li key={row.id} data-new={store?.isNew(row.id) === true || undefined} className="row-card rounded border border-line bg-panel p-3" onDoubleClick={() => onOpen?.(row)}>
              <div className="num flex flex-wrap items-center gap-x-3 gap-y-1 text-base font-semibold">
                {first.map((column) => (
                  <GridCell key={column.id} column={column} row={row} store={store} />
                ))}
                {actions !== undefined && (
                  <span className="ms-auto">
                    <RowMenu row={row} actions={actions} />
                  </span>
                )}
              </div>
              <dl className="num mt-1 grid grid-cols-2 gap-x-4 gap-y-0.5 text-xs">
                {second.map((column) => (
                  <div key={column.id} className="flex justify-between gap-2">
                    <dt className="shrink-0 text-muted">{column.header}</dt>
                    <dd className="min-w-0 text-end break-words">
                      <GridCell column={column} row={row} store={store} />
                    </dd>
                  </div>
                ))}
              </dl>
            </li>
          );
        })}
      </ul>
      {(entries.length > shown || onEnd !== undefined) && (
        <Button
          className="mx-2 mb-2"
          onClick={() => {
            setShown(shown + SHOWN);
            if (entries.length < shown + SHOWN) onEnd?.();
          }}
        >
          {t("grid.showMore")}
        </Button>
      )}
    </>
  );
}
