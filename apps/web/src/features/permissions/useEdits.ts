import { useCallback, useState } from "react";
import { sameGrant, type Grant, type MatrixRow } from "@/features/permissions/matrix";

/** A row of the table and what it shall become. */
export interface Edit {
  row: MatrixRow;
  grant: Grant;
}

export interface Edits {
  list: readonly Edit[];
  /** What the row shows: its edit, or what the gateway has. */
  of: (row: MatrixRow) => Grant;
  set: (row: MatrixRow, grant: Grant) => void;
  drop: (rowId: string) => void;
  clear: () => void;
}

/** Changes that are not saved yet; one that leads back is none. */
export function useEdits(): Edits {
  const [edits, setEdits] = useState<ReadonlyMap<string, Edit>>(new Map());
  const drop = useCallback((rowId: string) => setEdits((before) => new Map([...before].filter(([id]) => id !== rowId))), []);
  const set = useCallback(
    (row: MatrixRow, grant: Grant) =>
      sameGrant(row.grant, grant) ? drop(row.id) : setEdits((before) => new Map(before).set(row.id, { row, grant })),
    [drop],
  );
  return {
    list: [...edits.values()],
    of: (row) => edits.get(row.id)?.grant ?? row.grant,
    set,
    drop,
    clear: () => setEdits(new Map()),
  };
}
