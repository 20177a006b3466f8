import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import { HealthPanels } from "@/features/system/HealthPanels";
import { warningsOf, workerRows, type Dispatcher, type WorkerRow } from "@/features/system/verdict";
import { Button } from "@/kit/Button";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import { ErrorState } from "@/kit/ErrorState";
import type { Column } from "@/kit/grid/types";
import { JsonView } from "@/kit/JsonView";
import { Panel } from "@/kit/Panel";
import { StatTile } from "@/kit/StatTile";
import { StatusPill } from "@/kit/StatusPill";
import { NOTHING, useFormats } from "@/lib/format";

const REFRESH_MS = 5000;

function useSystem(paused: boolean) {
  return useQuery({
    queryKey: ["system"],
    refetchInterval: paused ? false : REFRESH_MS,
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const [health, version, status] = await Promise.all([
        call(api.GET("/healthz")),
        call(api.GET("/version")),
        call(api.GET("/dispatcher/status")),
      ]);
      return { health, version, status: status.result };
    },
  });
}

/** How the gateway is doing: a verdict, figures, workers, parts, background tasks. */
export default function SystemPage() {
  const { t } = useTranslation("admin");
  const [paused, setPaused] = useState(false);
  const [raw, setRaw] = useState(false);
  const { data, error, refetch } = useSystem(paused);
  if (data === undefined) return error === null ? null : <ErrorState error={error} onRetry={() => void refetch()} />;
  const warnings = warningsOf(data.health.status, data.status);
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-2 overflow-auto p-2">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <div role="status" className="flex flex-wrap items-center gap-3">
          {error !== null && <StatusPill tone="warn">{t("system.stale")}</StatusPill>}
          {warnings.length === 0 && <StatusPill tone="good">{t("system.good")}</StatusPill>}
          {warnings.map((warning) => (
            <StatusPill key={warning} tone="bad">
              {t(`system.warning.${warning}`)}
            </StatusPill>
          ))}
        </div>
        <Button aria-pressed={paused} onClick={() => setPaused(!paused)}>
          {t(paused ? "system.resume" : "system.pause")}
        </Button>
      </div>
      <Figures status={data.status} version={data.version.version} database={data.health.db_engine} />
      <Panel title={t("system.workers")} className="min-h-64">
        <Workers status={data.status} />
      </Panel>
      <HealthPanels paused={paused} refreshMs={REFRESH_MS} />
      <Button className="self-start" aria-expanded={raw} onClick={() => setRaw(!raw)}>
        {t("system.raw")}
      </Button>
      {raw && <JsonView value={data} />}
    </div>
  );
}

function Figures({ status, version, database }: { status: Dispatcher; version: string; database: string }) {
  const { t } = useTranslation("admin");
  const { number, time } = useFormats();
  const ms = (value: number | null) => (value === null ? NOTHING : number(String(Math.round(value))));
  const waiting = workerRows(status).reduce((total, row) => total + row.waiting, 0);
  return (
    <div className="grid grid-cols-2 gap-2 md:grid-cols-4">
      <StatTile label={t("system.version")} value={version} note={database} />
      <StatTile
        label={t("system.requests")}
        value={number(String(status.total_requests))}
        note={t("system.errors", { count: status.total_errors })}
      />
      <StatTile label={t("system.started")} value={<span className="text-sm">{time(new Date(status.started_at * 1000).toISOString())}</span>} />
      <StatTile label={t("system.waiting")} value={number(String(waiting))} />
      <StatTile label={t("system.wait95")} value={ms(status.queue_wait_ms.p95)} unit="ms" />
      <StatTile label={t("system.execute95")} value={ms(status.execute_ms.p95)} unit="ms" />
      <StatTile label={t("system.outbox")} value={ms(status.outbox_lag_ms)} unit="ms" />
      <StatTile label={t("system.unknown")} value={number(String(status.orders_unknown))} tone={status.orders_unknown > 0 ? "warn" : undefined} />
    </div>
  );
}

function Workers({ status }: { status: Dispatcher }) {
  const { t } = useTranslation("admin");
  const rows = useMemo(() => workerRows(status), [status]);
  const columns = useMemo((): Column<WorkerRow>[] => {
    const count = (id: "accounts" | "waiting" | "running"): Column<WorkerRow> => ({
      id,
      header: t(`system.column.${id}`),
      kind: "id",
      width: 90,
      priority: 2,
      value: (row) => row[id],
    });
    return [
      { id: "worker", header: t("system.column.worker"), kind: "text", width: 180, priority: 1, value: (row) => row.worker_id },
      { id: "host", header: t("system.column.host"), kind: "text", width: 120, priority: 3, value: (row) => row.host },
      {
        id: "heartbeat",
        header: t("system.column.heartbeat"),
        kind: "id",
        width: 120,
        priority: 1,
        value: (row) => row.heartbeat_age_s,
        cell: (row) => t("system.seconds", { count: Math.round(row.heartbeat_age_s) }),
      },
      count("accounts"),
      count("waiting"),
      count("running"),
    ];
  }, [t]);
  return (
    <DataGrid
      id="workers"
      label={t("system.workers")}
      columns={columns}
      rows={rows}
      empty={<EmptyState title={t("system.warning.noWorker")} />}
      defaultSort={{ id: "worker", desc: false }}
    />
  );
}
