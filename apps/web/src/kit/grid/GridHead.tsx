import { useTranslation } from "react-i18next";
import { Checkbox } from "@/kit/Checkbox";
import { Icon } from "@/kit/Icon";
import { alignOf } from "@/kit/grid/GridRow";
import type { Column, Sort } from "@/kit/grid/types";
import { cx } from "@/lib/cx";

interface Props<Row> {
  columns: readonly Column<Row>[];
  sort: Sort | null;
  onSort: (columnId: string) => void;
  selection: { checked: boolean | "mixed"; onChange: (checked: boolean) => void } | null;
  withActions: boolean;
}

function direction(sort: Sort | null, id: string): "ascending" | "descending" | "none" {
  if (sort?.id !== id) return "none";
  return sort.desc ? "descending" : "ascending";
}

/** The header row: names, aligned as their cells, and the sort. */
export function GridHead<Row>({ columns, sort, onSort, selection, withActions }: Props<Row>) {
  const { t } = useTranslation();
  return (
    <div role="row" aria-rowindex={1} className="grid-row grid-head">
      {selection !== null && (
        <div role="columnheader" className="grid-cell">
          <Checkbox label={t("grid.selectAll")} hiddenLabel checked={selection.checked} onChange={selection.onChange} />
        </div>
      )}
      {columns.map((column) => {
        const sorted = direction(sort, column.id);
        const end = alignOf(column) === "end";
        return (
          <div key={column.id} role="columnheader" aria-sort={sorted} className="grid-cell" data-align={alignOf(column)}>
            {column.sortable === false ? (
              <span>{column.header}</span>
            ) : (
              <button
                type="button"
                title={column.header}
                onClick={() => onSort(column.id)}
                className={cx(
                  "flex min-h-6 min-w-0 items-center gap-1 hover:text-fg",
                  end && "flex-row-reverse",
                  sorted !== "none" && "text-fg",
                )}
              >
                <span className="truncate">{column.header}</span>
                <span className={cx(sorted === "none" && "hidden")}>
                  <Icon name={sorted === "descending" ? "down" : "up"} size={10} />
                </span>
              </button>
            )}
          </div>
        );
      })}
      {withActions && (
        <div role="columnheader" className="grid-cell grid-end">
          <span className="sr-only">{t("grid.actions")}</span>
        </div>
      )}
    </div>
  );
}
