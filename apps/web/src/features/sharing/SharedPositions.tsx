import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Side } from "@/api/types";
import type { SharedPosition } from "@/features/sharing/reads";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import type { Column } from "@/kit/grid/types";
import { SideText } from "@/kit/SideText";
import { cx } from "@/lib/cx";
import { toneOf, useFormats } from "@/lib/format";
import { placesOf, profitCurrency } from "@/lib/symbol";

type Row = SharedPosition & { id: number };
const TONES = { up: "text-up", down: "text-down" };

/** A figure with its sign, its unit and the colour of its direction. */
function Signed({ value, unit, places }: { value: string | null; unit: string; places: number }) {
  const { number } = useFormats();
  const tone = toneOf(value);
  const text = number(value, { places, plus: true });
  return <span className={cx(tone !== undefined && TONES[tone])}>{value === null ? text : `${text} ${unit}`}</span>;
}

function useColumns(withAmounts: boolean): readonly Column<Row>[] {
  const { t } = useTranslation("sharing");
  const { number, time } = useFormats();
  return useMemo((): readonly Column<Row>[] => {
    const figure = (id: "avg_price" | "mark_price" | "qty"): Column<Row> => ({
      id,
      header: t(`column.${id}`),
      kind: "decimal",
      width: 110,
      value: (row) => row[id],
      cell: (row) => number(row[id]),
    });
    const profit: Column<Row> = {
      id: "unrealized_pnl",
      header: t("column.unrealized_pnl"),
      kind: "decimal",
      width: 120,
      priority: 1,
      value: (row) => row.unrealized_pnl,
      cell: (row) => {
        const currency = profitCurrency(row.symbol);
        return <Signed value={row.unrealized_pnl} unit={currency} places={placesOf(currency)} />;
      },
    };
    return [
      { id: "symbol", header: t("column.symbol", { ns: "common" }), kind: "text", width: 140, priority: 1, value: (row) => row.symbol },
      {
        id: "side",
        header: t("column.side", { ns: "common" }),
        kind: "text",
        width: 80,
        priority: 1,
        value: (row) => row.side,
        cell: (row) => <SideText side={row.side as Side} position />,
      },
      { id: "opened_at", header: t("column.opened_at"), kind: "time", width: 150, value: (row) => row.opened_at, cell: (row) => time(row.opened_at) },
      figure("avg_price"),
      figure("mark_price"),
      {
        id: "change_pct",
        header: t("column.change_pct"),
        kind: "decimal",
        width: 110,
        priority: 1,
        value: (row) => row.change_pct,
        cell: (row) => <Signed value={row.change_pct} unit="%" places={2} />,
      },
      ...(withAmounts ? [figure("qty"), profit] : []),
    ];
  }, [t, number, time, withAmounts]);
}

/** Open positions without ids and names; quantities and profits only where the link has them. */
export function SharedPositions({ positions, withAmounts }: { positions: readonly SharedPosition[]; withAmounts: boolean }) {
  const { t } = useTranslation("sharing");
  const columns = useColumns(withAmounts);
  const rows = useMemo(() => positions.map((row, index): Row => ({ ...row, id: index + 1 })), [positions]);
  return (
    <DataGrid id="sharedPositions" label={t("views.positions")} columns={columns} rows={rows} empty={<EmptyState title={t("shared.noPositions")} />} />
  );
}
