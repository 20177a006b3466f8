import type { CSSProperties } from "react";
import { useTranslation } from "react-i18next";
import type { GroupEntry } from "@/kit/grid/groups";
import type { Column } from "@/kit/grid/types";

interface LineProps<Row> {
  entry: GroupEntry<Row>;
  columns: readonly Column<Row>[];
  /** More rows follow those that are loaded: sums are of what is there. */
  partial: boolean;
}

/** The name of a group, the number of its rows, and the sums of its columns. */
export function GroupLine<Row>({ entry, columns, partial }: LineProps<Row>) {
  const { t } = useTranslation();
  const sums = columns.map((column) => ({ column, sum: column.subtotal?.(entry.rows) ?? null }));
  return (
    <>
      <span className="font-semibold">{entry.key === "" ? t("grid.noGroup") : entry.key}</span>
      <span className="text-xs text-muted">{t(partial ? "grid.countSoFar" : "grid.count", { count: entry.rows.length })}</span>
      {sums.map(
        ({ column, sum }) =>
          sum !== null && (
            <span key={column.id} className="flex gap-2">
              <span className="text-xs text-muted">{column.header}</span>
              {sum}
            </span>
          ),
      )}
    </>
  );
}

interface Props<Row> extends LineProps<Row> {
  index: number;
  top: number;
  /** The columns of the table, with those of checks and actions. */
  span: number;
}

/** The head of a group over the whole width: sums of several currencies fit no column. */
export function GroupRow<Row>({ index, top, span, ...line }: Props<Row>) {
  const style: CSSProperties = { transform: `translateY(${top}px)` };
  return (
    <div role="row" aria-rowindex={index + 2} className="grid-row grid-group" style={style}>
      <div role="rowheader" aria-colspan={span} className="grid-cell num gap-5" style={{ gridColumn: `span ${span}` }}>
        <GroupLine {...line} />
      </div>
    </div>
  );
}
