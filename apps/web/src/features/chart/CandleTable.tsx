import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { candleOf, type Candle, type Scene } from "@/charts/candles/scene";
import { DataGrid } from "@/kit/DataGrid";
import type { Column } from "@/kit/grid/types";
import { useFormats } from "@/lib/format";

interface Row extends Candle {
  id: number;
  marks: string;
}

/** The candles of the chart as rows, with what is marked on each: the chart for those who do not see it. */
export function CandleTable({ scene }: { scene: Scene }) {
  const { t } = useTranslation("chart");
  const { time, number } = useFormats();
  const rows = useMemo(() => {
    const marks = new Map<string, string[]>();
    for (const marker of scene.markers) {
      const candle = candleOf(scene, marker.at);
      if (candle !== undefined) marks.set(candle.time, [...(marks.get(candle.time) ?? []), marker.text]);
    }
    return scene.candles.map((candle, index): Row => ({ ...candle, id: index + 1, marks: (marks.get(candle.time) ?? []).join(", ") }));
  }, [scene]);
  const columns = useMemo((): Column<Row>[] => {
    const price = (id: "open" | "high" | "low" | "close"): Column<Row> => ({
      id,
      header: t(`column.${id}`),
      kind: "decimal",
      width: 100,
      priority: 1,
      value: (row) => row[id],
      cell: (row) => number(row[id]),
    });
    return [
      { id: "time", header: t("column.time"), kind: "time", width: 150, grow: 0, priority: 1, value: (row) => row.time, cell: (row) => time(row.time) },
      price("open"),
      price("high"),
      price("low"),
      price("close"),
      { id: "volume", header: t("column.volume"), kind: "decimal", width: 110, value: (row) => row.volume, cell: (row) => number(row.volume) },
      { id: "state", header: t("column.state"), kind: "text", width: 90, priority: 3, value: (row) => t(row.is_closed ? "closed" : "forming") },
      { id: "marks", header: t("column.marks"), kind: "text", width: 160, grow: 2, value: (row) => row.marks },
    ];
  }, [t, time, number]);
  return (
    <DataGrid
      id="candles"
      label={t("table")}
      columns={columns}
      rows={rows}
      empty={t("empty.candles")}
      defaultSort={{ id: "time", desc: true }}
      exportName="candles"
    />
  );
}
