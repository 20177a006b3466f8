import { Link } from "@tanstack/react-router";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import { useReadState } from "@/app/readState";
import { useInstruments } from "@/features/chart/reads";
import { TIMEFRAMES, type Timeframe } from "@/features/chart/settings";
import { Button } from "@/kit/Button";
import { Combobox } from "@/kit/Combobox";
import { Confirm } from "@/kit/Confirm";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import type { Column } from "@/kit/grid/types";
import { Icon } from "@/kit/Icon";
import { Select } from "@/kit/Select";
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
  const { t } = useTranslation("research");
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
        cell: (row) => (
          <Link to="/chart" search={{ exchange: row.exchange, symbol: row.symbol, tf: row.timeframe } as never} className="underline">
            {row.symbol}
          </Link>
        ),
      },
      { id: "exchange", header: t("series.exchange"), kind: "text", width: 120, priority: 1, value: (row) => row.exchange },
      { id: "timeframe", header: t("timeframe"), kind: "text", width: 80, priority: 1, value: (row) => row.timeframe },
      {
        id: "enabled",
        header: t("status"),
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
export default function CandlesPage() {
  const { t } = useTranslation("research");
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
  const { t } = useTranslation("research");
  const instruments = useInstruments().data ?? [];
  const [series, setSeries] = useState<string | null>(null);
  const [timeframe, setTimeframe] = useState<Timeframe>("1h");
  const [exchange, symbol] = (series ?? "").split(" ");
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
      disabled={symbol === undefined}
      onConfirm={async () => {
        if (!exchange || !symbol) return;
        await setIngestion({ exchange, symbol, timeframe }, true);
        onDone();
      }}
    >
      <Combobox
        label={t("instrument")}
        value={series}
        onChange={setSeries}
        options={instruments.map((one) => ({ value: `${one.exchange} ${one.symbol}`, label: `${one.symbol} · ${one.exchange}` }))}
      />
      <Select label={t("timeframe")} value={timeframe} onChange={(next: Timeframe) => setTimeframe(next)} options={TIMEFRAMES.map((value) => ({ value, label: value }))} />
    </Confirm>
  );
}
