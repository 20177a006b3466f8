import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import { useReadState } from "@/app/readState";
import { SeriesLink } from "@/features/candles/SeriesLink";
import type { Timeframe } from "@/features/chart/settings";
import { InstrumentField, TimeframeField, type SeriesName } from "@/features/research/SeriesFields";
import { Button } from "@/kit/Button";
import { Confirm } from "@/kit/Confirm";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import type { Column } from "@/kit/grid/types";
import { Icon } from "@/kit/Icon";
import { StatusPill } from "@/kit/StatusPill";
import { NOTHING, useFormats } from "@/lib/format";
import { useCan } from "@/lib/permissions";
import { fmtDuration } from "@/lib/time";

type Ingestion = components["schemas"]["Ingestion"];
const INGESTIONS_QUERY = ["market", "ingestion"] as const;
const REFRESH_MS = 15_000;

async function setIngestion(row: Pick<Ingestion, "exchange" | "symbol" | "timeframe">, enabled: boolean): Promise<void> {
  const { exchange, symbol, timeframe } = row;
  await call(api.POST("/market/ingestion", { body: { exchange, symbol, timeframe, enabled } }));
}

function useColumns(): readonly Column<Ingestion>[] {
  const { t } = useTranslation("candles");
  const { time } = useFormats();
  return useMemo(
    (): Column<Ingestion>[] => [
      {
        id: "symbol",
        header: t("column.symbol", { ns: "common" }),
        kind: "text",
        width: 140,
        priority: 1,
        value: (row) => row.symbol,
        cell: (row) => <SeriesLink {...row} />,
      },
      { id: "exchange", header: t("series.exchange"), kind: "text", width: 120, priority: 1, value: (row) => row.exchange },
      { id: "timeframe", header: t("timeframe", { ns: "research" }), kind: "text", width: 80, priority: 1, value: (row) => row.timeframe },
      {
        id: "enabled",
        header: t("status", { ns: "research" }),
        kind: "text",
        width: 100,
        priority: 1,
        value: (row) => (row.enabled ? "on" : "off"),
        cell: (row) => <StatusPill tone={row.enabled ? "good" : "neutral"}>{t(row.enabled ? "series.on" : "series.off")}</StatusPill>,
      },
      { id: "newest", header: t("series.newest"), kind: "time", width: 142, priority: 2, value: (row) => row.newest, cell: (row) => time(row.newest) },
      {
        id: "lag",
        header: t("series.lag"),
        kind: "text",
        width: 100,
        priority: 1,
        value: (row) => row.lag_seconds,
        cell: (row) => (row.lag_seconds === null ? NOTHING : fmtDuration(row.lag_seconds * 1000)),
      },
      { id: "fetched", header: t("series.fetched"), kind: "time", width: 142, priority: 3, value: (row) => row.fetched_at, cell: (row) => time(row.fetched_at) },
      { id: "error", header: t("series.error"), kind: "text", width: 220, grow: 2, priority: 3, value: (row) => row.last_error },
    ],
    [t, time],
  );
}

/** Series of candles that the runner keeps up to date, and how far each is behind. */
export function Ingestions() {
  const { t } = useTranslation("candles");
  const client = useQueryClient();
  const isAdmin = useCan()("admin");
  const query = useQuery({
    queryKey: INGESTIONS_QUERY,
    queryFn: async (): Promise<Ingestion[]> => (await call(api.GET("/market/ingestion"))).items,
    refetchInterval: REFRESH_MS,
  });
  const stateOf = useReadState();
  const columns = useColumns();
  const [isNew, setNew] = useState(false);
  const [switched, setSwitched] = useState<Ingestion | null>(null);
  const renew = () => void client.invalidateQueries({ queryKey: INGESTIONS_QUERY });
  return (
    <>
      <DataGrid
        id="ingestions"
        label={t("series.label")}
        columns={columns}
        rows={query.data ?? []}
        state={stateOf(query)}
        empty={<EmptyState title={t("series.none")}>{t("series.noneHint")}</EmptyState>}
        exportName="candle-series"
        readOnlyOnPhones
        actions={(row) => (isAdmin ? [{ id: "switch", label: t(row.enabled ? "series.switchOff" : "series.switchOn"), run: () => setSwitched(row) }] : [])}
        toolbar={
          isAdmin && (
            <Button tone="primary" icon={<Icon name="plus" />} onClick={() => setNew(true)}>
              {t("series.add")}
            </Button>
          )
        }
      />
      {isNew && <NewSeriesDialog onClose={() => setNew(false)} onDone={renew} />}
      {switched !== null && (
        <Confirm
          open
          tier={2}
          comment="none"
          danger={switched.enabled}
          onClose={() => setSwitched(null)}
          title={t(switched.enabled ? "series.switchOff" : "series.switchOn")}
          effect={t(switched.enabled ? "series.offEffect" : "series.onEffect", { symbol: switched.symbol, timeframe: switched.timeframe })}
          action={t(switched.enabled ? "series.switchOff" : "series.switchOn")}
          onConfirm={async () => {
            await setIngestion(switched, !switched.enabled);
            renew();
          }}
        />
      )}
    </>
  );
}

function NewSeriesDialog({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation("candles");
  const [series, setSeries] = useState<SeriesName | null>(null);
  const [timeframe, setTimeframe] = useState<Timeframe>("1h");
  return (
    <Confirm
      open
      tier={2}
      comment="none"
      danger={false}
      onClose={onClose}
      title={t("series.add")}
      effect={t("series.addEffect")}
      action={t("series.switchOn")}
      disabled={series === null}
      onConfirm={async () => {
        if (series === null) return;
        await setIngestion({ ...series, timeframe }, true);
        onDone();
      }}
    >
      <InstrumentField value={series} onChange={setSeries} />
      <TimeframeField value={timeframe} onChange={setTimeframe} />
    </Confirm>
  );
}
