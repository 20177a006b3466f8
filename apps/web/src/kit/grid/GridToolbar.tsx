import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/kit/Button";
import { Icon } from "@/kit/Icon";
import { Menu, type MenuItem } from "@/kit/Menu";
import { download, toCsv } from "@/kit/grid/export";
import type { Grouping } from "@/kit/grid/groups";
import type { Column } from "@/kit/grid/types";
import { cx } from "@/lib/cx";

/** Name and time of a file. */
function fileName(base: string | undefined, ending: string): string {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "");
  return `${base}-${stamp}.${ending}`;
}

interface Props<Row> {
  children: ReactNode;
  count: number;
  /** The order does not change now; null: it never changes by itself. */
  held: boolean | null;
  stale: string | null;
  columns: readonly Column<Row>[];
  hidden: ReadonlySet<string>;
  /** The columns that have room. */
  shown: ReadonlySet<string>;
  onToggleColumn: (columnId: string) => void;
  groupings: readonly Grouping<Row>[];
  grouping: Grouping<Row> | null;
  onGroup: (groupingId: string | null) => void;
  rows: readonly Row[];
  exportName: string | undefined;
}

/** Above the rows: filters, the count, what is out of date, columns and export. */
export function GridToolbar<Row>(props: Props<Row>) {
  const { t } = useTranslation();
  const { columns, hidden, shown, rows, exportName, groupings, grouping } = props;
  const groups: MenuItem[] = [
    { id: "", label: t("grid.ungrouped"), checked: grouping === null, run: () => props.onGroup(null) },
    ...groupings.map(({ id, label }) => ({ id, label, checked: grouping?.id === id, run: () => props.onGroup(id) })),
  ];
  const chooser: MenuItem[] = columns.map((column) => ({
    id: column.id,
    label: !hidden.has(column.id) && !shown.has(column.id) ? t("grid.noRoom", { column: column.header }) : column.header,
    checked: !hidden.has(column.id),
    run: () => props.onToggleColumn(column.id),
  }));
  const files: MenuItem[] = [
    {
      id: "csv",
      label: t("grid.csv"),
      run: () => download(fileName(exportName, "csv"), "text/csv", toCsv(columns, rows)),
    },
    {
      id: "json",
      label: t("grid.json"),
      run: () => download(fileName(exportName, "json"), "application/json", JSON.stringify(rows, null, 1)),
    },
  ];
  return (
    <div className="flex min-h-10 flex-wrap items-center gap-2 px-2 py-1">
      {props.children}
      <span className="ms-auto flex flex-wrap items-center justify-end gap-x-1 gap-y-0.5">
        {props.stale !== null && (
          <span className="flex items-center gap-1 text-xs text-warn">
            <Icon name="clock" size={12} />
            {props.stale}
          </span>
        )}
        <span className="num text-xs text-muted">
          {/* Its place is kept: what appeared under the pointer would move the rows away from a click. */}
          {props.held !== null && <span className={cx("me-2 max-sm:hidden", (!props.held || props.count < 2) && "invisible")}>{t("grid.held")}</span>}
          {t("grid.count", { count: props.count })}
      </span>
      {groupings.length > 0 && (
        <Menu
          items={groups}
          trigger={
            <Button
              tone="quiet"
              icon={<Icon name="strategies" />}
              aria-label={grouping === null ? t("grid.group") : `${t("grid.group")}: ${grouping.label}`}
            >
              {grouping?.label}
            </Button>
          }
        />
      )}
      <Menu
        keepOpen
        items={chooser}
        trigger={<Button tone="quiet" icon={<Icon name="columns" />} aria-label={t("grid.columns")} />}
      />
      {exportName !== undefined && (
        <Menu
          items={files}
          trigger={<Button tone="quiet" icon={<Icon name="download" />} aria-label={t("grid.export")} />}
        />
      )}
      </span>
    </div>
  );
}
