import { expect, it } from "vitest";
import { entriesOf } from "@/kit/grid/groups";

const rows = [
  { id: 1, symbol: "B" },
  { id: 2, symbol: "A" },
  { id: 3, symbol: "B" },
];
const bySymbol = { id: "symbol", label: "Symbol", keyOf: (row: { symbol: string }) => row.symbol };

it("puts rows under the heads of their groups, both in the order of the rows", () => {
  const lines = entriesOf(rows, bySymbol).map((entry) =>
    entry.kind === "group" ? `${entry.key}: ${entry.rows.map((row) => row.id).join(" ")}` : entry.row.id,
  );
  expect(lines).toEqual(["B: 1 3", 1, 3, "A: 2", 2]);
  expect(entriesOf(rows, null)).toEqual(rows.map((row) => ({ kind: "row", row })));
  expect(entriesOf([], bySymbol)).toEqual([]);
});
