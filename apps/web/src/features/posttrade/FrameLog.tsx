import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFilters } from "@/app/search";
import { Button } from "@/kit/Button";
import { DataGrid } from "@/kit/DataGrid";
import { DetailDrawer } from "@/kit/DetailDrawer";
import { EmptyState } from "@/kit/EmptyState";
import type { Column } from "@/kit/grid/types";
import { JsonView } from "@/kit/JsonView";
import { SearchField } from "@/kit/SearchField";
import { usePreference } from "@/lib/preferences";
import { Store, useStore } from "@/lib/store";
import { fmtClock } from "@/lib/time";
import { logFrames, type LoggedFrame } from "@/live/frameLog";

const RATE_OVER_MS = 10_000;

function useColumns(): readonly Column<LoggedFrame>[] {
  const { t } = useTranslation("raw");
  const zone = usePreference("zone");
  return useMemo((): Column<LoggedFrame>[] => {
    const text = (id: string, value: (row: LoggedFrame) => string | null, width: number): Column<LoggedFrame> => ({
      id,
      header: t(`frames.${id}` as "frames.event"),
      kind: "text",
      width,
      priority: 1,
      value,
    });
    return [
      {
        id: "at",
        header: t("frames.at"),
        kind: "id",
        width: 90,
        grow: 0,
        priority: 1,
        value: (row) => row.id,
        cell: (row) => fmtClock(new Date(row.at).toISOString(), zone),
      },
      text("event", (row) => row.frame.event, 200),
      text("namespace", (row) => row.frame.namespace ?? null, 120),
      { id: "number", header: t("frames.number"), kind: "id", width: 90, priority: 2, value: (row) => row.frame.seq ?? null },
      { id: "size", header: t("frames.size"), kind: "id", width: 90, priority: 2, value: (row) => JSON.stringify(row.frame).length },
    ];
  }, [t, zone]);
}

/** The frames of the stream as they come, the newest first; nothing is kept when the view is left. */
export function FrameLog() {
  const { t } = useTranslation("raw");
  const [log] = useState(() => new Store<readonly LoggedFrame[]>([]));
  const [paused, setPaused] = useState(false);
  const [opened, setOpened] = useState<LoggedFrame | null>(null);
  const [filters, setFilters] = useFilters("frame");
  useEffect(() => (paused ? undefined : logFrames(log)), [log, paused]);
  const frames = useStore(log);
  const wanted = (filters.frame ?? "").toLowerCase();
  const rows = frames.filter(({ frame }) => `${frame.event} ${frame.namespace ?? ""}`.toLowerCase().includes(wanted));
  const newest = frames[0]?.at ?? 0;
  const recent = frames.filter((entry) => newest - entry.at < RATE_OVER_MS).length;
  return (
    <>
      <DataGrid
        id="frames"
        label={t("frames.label")}
        columns={useColumns()}
        rows={rows}
        empty={<EmptyState title={t("frames.empty")} />}
        onClearFilters={wanted !== "" && frames.length > 0 ? () => setFilters({ frame: undefined }) : undefined}
        defaultSort={{ id: "at", desc: true }}
        onOpen={setOpened}
        toolbar={
          <>
            <SearchField label={t("frames.search")} value={filters.frame ?? ""} onChange={(text) => setFilters({ frame: text || undefined })} />
            <Button aria-pressed={paused} onClick={() => setPaused(!paused)}>
              {t(paused ? "frames.resume" : "frames.pause")}
            </Button>
            <span className="num text-xs text-muted">{t("frames.rate", { count: recent })}</span>
          </>
        }
      />
      {opened !== null && (
        <DetailDrawer open onClose={() => setOpened(null)} title={t("frames.one", { event: opened.frame.event })}>
          <JsonView value={opened.frame} />
        </DetailDrawer>
      )}
    </>
  );
}
