/** Rows put together by a value, each group under a line of its own. */

/** A way to put rows together. */
export interface Grouping<Row> {
  id: string;
  label: string;
  /** What rows of a group share; it is the name of the group. */
  keyOf: (row: Row) => string;
}

export interface RowEntry<Row> {
  kind: "row";
  row: Row;
}

export interface GroupEntry<Row> {
  kind: "group";
  key: string;
  rows: readonly Row[];
}

/** A line of a grid: a row, or the head of a group. */
export type Entry<Row> = RowEntry<Row> | GroupEntry<Row>;

/** The lines to draw: groups in the order of their first rows, rows in the order given; ungrouped: the rows. */
export function entriesOf<Row>(rows: readonly Row[], grouping: Grouping<Row> | null): Entry<Row>[] {
  if (grouping === null) return rows.map((row) => ({ kind: "row", row }));
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = grouping.keyOf(row);
    const found = groups.get(key);
    if (found === undefined) groups.set(key, [row]);
    else found.push(row);
  }
  return [...groups].flatMap(([key, members]): Entry<Row>[] => [
    { kind: "group", key, rows: members },
    ...members.map((row) => ({ kind: "row", row }) as const),
  ]);
}
