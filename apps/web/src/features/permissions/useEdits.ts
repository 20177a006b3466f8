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
  /** Compare the edits of these rows with what the gateway has now. */
  rebase: (now: ReadonlyMap<string, Grant>) => void;
  clear: () => void;
}

/** The edits whose rows were changed by someone else since they were read. */
export function overtaken(edits: readonly Edit[], now: ReadonlyMap<string, Grant>): readonly Edit[] {
  return edits.filter((edit) => !sameGrant(now.get(edit.row.id) ?? edit.row.grant, edit.row.grant));
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
  const rebase = useCallback(
    (now: ReadonlyMap<string, Grant>) =>
      setEdits((before) => {
        const rebased = [...before].map(([id, { row, grant }]) => [id, { row: { ...row, grant: now.get(id) ?? row.grant }, grant }] as const);
        return new Map(rebased.filter(([, edit]) => !sameGrant(edit.row.grant, edit.grant)));
      }),
    [],
  );
  return {
    list: [...edits.values()],
    of: (row) => edits.get(row.id)?.grant ?? row.grant,
    set,
    drop,
    rebase,
    clear: () => setEdits(new Map()),
  };
}
