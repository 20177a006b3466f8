import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import { partRows, taskRows, type PartRow, type TaskRow } from "@/features/system/health";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import { ErrorState } from "@/kit/ErrorState";
import type { Column } from "@/kit/grid/types";
import { Panel } from "@/kit/Panel";
import { StatusPill } from "@/kit/StatusPill";
import { useFormats } from "@/lib/format";
import { fmtDuration } from "@/lib/time";

/** Each part of the gateway as it was measured, and the background tasks of the runner. */
export function HealthPanels({ paused, refreshMs }: { paused: boolean; refreshMs: number }) {
  const { t } = useTranslation("admin");
  const { data, error, refetch } = useQuery({
    queryKey: ["health"],
    queryFn: () => call(api.GET("/health")),
    refetchInterval: paused ? false : refreshMs,
  });
  const parts = useMemo(() => (data === undefined ? [] : partRows(data.parts)), [data]);
  const tasks = useMemo(() => (data === undefined ? [] : taskRows(data.tasks)), [data]);
  return (
    <>
      {error !== null && <ErrorState error={error} compact onRetry={() => void refetch()} />}
      <Panel title={t("system.parts")} className="min-h-96">
        <DataGrid id="healthParts" label={t("system.parts")} columns={usePartColumns()} rows={parts} empty="" defaultSort={{ id: "ok", desc: false }} />
      </Panel>
      <Panel title={t("system.tasks")} className="min-h-64">
        <DataGrid
          id="runnerTasks"
          label={t("system.tasks")}
          columns={useTaskColumns()}
          rows={tasks}
          empty={<EmptyState title={t("system.noTasks")} />}
          defaultSort={{ id: "task", desc: false }}
        />
      </Panel>
    </>
  );
}

function useOkColumn<Row extends { ok: boolean }>(): Column<Row> {
  const { t } = useTranslation("admin");
  return useMemo(
    () => ({
      id: "ok",
      header: t("system.column.state"),
      kind: "text",
      width: 110,
      grow: 0,
      priority: 1,
      value: (row) => (row.ok ? "ok" : "bad"),
      cell: (row) => <StatusPill tone={row.ok ? "good" : "bad"}>{t(row.ok ? "system.partOk" : "system.partBad")}</StatusPill>,
    }),
    [t],
  );
}

function usePartColumns(): readonly Column<PartRow>[] {
  const { t } = useTranslation("admin");
  const { number, time } = useFormats();
  const ok = useOkColumn<PartRow>();
  return useMemo((): Column<PartRow>[] => {
    const amount = (row: PartRow, value: string | null) => {
      if (value === null) return number(null);
      if (row.unit === null) return value;
      return row.unit === "count" ? number(value, { places: 0 }) : `${number(value, { places: 1 })} ${row.unit}`;
    };
    return [
      { id: "part", header: t("system.column.part"), kind: "text", width: 200, priority: 1, value: (row) => t(`system.part.${row.name}`) },
      ok,
      { id: "value", header: t("system.column.value"), kind: "id", width: 110, priority: 1, value: (row) => row.value, cell: (row) => amount(row, row.value) },
      { id: "limit", header: t("system.column.limit"), kind: "id", width: 110, priority: 2, value: (row) => row.limit, cell: (row) => amount(row, row.limit) },
      { id: "at", header: t("system.column.measured"), kind: "time", width: 142, priority: 3, value: (row) => row.at, cell: (row) => time(row.at) },
    ];
  }, [t, number, time, ok]);
}

function useTaskColumns(): readonly Column<TaskRow>[] {
  const { t } = useTranslation("admin");
  const ok = useOkColumn<TaskRow>();
  return useMemo(
    (): Column<TaskRow>[] => [
      { id: "task", header: t("system.column.task"), kind: "text", width: 160, priority: 1, value: (row) => row.name },
      ok,
      { id: "run", header: t("system.column.run"), kind: "text", width: 120, priority: 2, value: (row) => t(`system.run.${row.state}`) },
      { id: "owner", header: t("system.column.runner"), kind: "text", width: 160, priority: 3, value: (row) => row.owner },
      {
        id: "silence",
        header: t("system.column.silence"),
        kind: "id",
        width: 120,
        priority: 2,
        value: (row) => row.silence_s,
        cell: (row) => (row.silence_s === null ? "" : fmtDuration(row.silence_s * 1000)),
      },
      { id: "restarts", header: t("system.column.restarts"), kind: "id", width: 90, priority: 2, value: (row) => row.restarts },
      { id: "error", header: t("system.column.error"), kind: "text", width: 260, priority: 2, value: (row) => row.last_error },
    ],
    [t, ok],
  );
}
