import { useNavigate } from "@tanstack/react-router";
import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useReadState } from "@/app/readState";
import { EntryDrawer } from "@/features/catalog/EntryDrawer";
import { CATALOG_QUERY, reloadCatalog, useCatalogRead, warmupText, type CatalogEntry } from "@/features/research/catalog";
import { Failure } from "@/features/research/Failure";
import { Button } from "@/kit/Button";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import { useErrorText } from "@/kit/errorText";
import type { Column } from "@/kit/grid/types";
import { Icon } from "@/kit/Icon";
import { StatusPill } from "@/kit/StatusPill";
import { toastDone, toastError } from "@/kit/toasts";
import { useFormats } from "@/lib/format";
import { useCan } from "@/lib/permissions";

type Row = CatalogEntry & { id: number };

function useColumns(): readonly Column<Row>[] {
  const { t } = useTranslation("catalog");
  const { time } = useFormats();
  return useMemo(
    (): Column<Row>[] => [
      { id: "name", header: t("strategy", { ns: "research" }), kind: "text", width: 140, priority: 1, value: (row) => row.name },
      { id: "version", header: t("version"), kind: "text", width: 70, priority: 1, value: (row) => row.version },
      { id: "summary", header: t("summary"), kind: "text", width: 280, grow: 3, priority: 2, value: (row) => row.summary },
      { id: "timeframe", header: t("timeframe", { ns: "research" }), kind: "text", width: 110, priority: 2, value: (row) => [row.timeframe ?? t("any"), ...row.higher].join(", ") },
      { id: "warmup", header: t("warmup"), kind: "text", width: 150, priority: 3, value: (row) => warmupText(row, t("base")) },
      { id: "source", header: t("source"), kind: "text", width: 130, priority: 3, value: (row) => (row.source === "built_in" ? t("builtIn") : row.source) },
      { id: "hash", header: t("hash"), kind: "text", width: 110, priority: 4, value: (row) => row.code_hash.slice(0, 12) },
      {
        id: "checked",
        header: t("checked"),
        kind: "time",
        width: 150,
        priority: 2,
        value: (row) => row.checked_at,
        cell: (row) => <StatusPill tone={row.checked_at === null ? "neutral" : "good"}>{row.checked_at === null ? t("unchecked") : time(row.checked_at)}</StatusPill>,
      },
    ],
    [t, time],
  );
}

/** The strategies that charts, backtests and bots run: parameters, warm-up, code and versions. */
export default function CatalogPage() {
  const { t } = useTranslation("catalog");
  const client = useQueryClient();
  const navigate = useNavigate();
  const can = useCan();
  const query = useCatalogRead();
  const stateOf = useReadState();
  const columns = useColumns();
  const rows = useMemo(() => (query.data?.items ?? []).map((entry, index): Row => ({ ...entry, id: index + 1 })), [query.data]);
  const [shown, setShown] = useState<Row | null>(null);
  const [busy, setBusy] = useState(false);
  const text = useErrorText();
  const open = (path: "/backtests" | "/bots") => (row: CatalogEntry) => void navigate({ to: path, search: { new: row.name } as never });
  const [backtest, bot] = [open("/backtests"), open("/bots")];
  const reload = async () => {
    setBusy(true);
    try {
      const errors = await reloadCatalog();
      toastDone(t("reloaded", { count: errors.length }));
    } catch (error) {
      toastError(t("reload"), text(error));
    } finally {
      setBusy(false);
      void client.invalidateQueries({ queryKey: CATALOG_QUERY });
    }
  };
  return (
    <>
      {query.data?.errors.map((error) => (
        <div key={error.source} className="px-3 pt-3">
          <Failure text={`${error.source}: ${error.message}`} />
        </div>
      ))}
      <DataGrid
        id="catalog"
        label={t("title")}
        columns={columns}
        rows={rows}
        state={stateOf(query)}
        empty={<EmptyState title={t("none")}>{t("noneHint")}</EmptyState>}
        defaultSort={{ id: "name", desc: false }}
        exportName="strategy-catalog"
        onOpen={setShown}
        actions={(row) => [
          { id: "details", label: t("details"), run: () => setShown(row) },
          ...(can("research") ? [{ id: "backtest", label: t("run.title", { ns: "research" }), run: () => backtest(row) }] : []),
          ...(can("automate") ? [{ id: "bot", label: t("bot.create.title", { ns: "research" }), run: () => bot(row) }] : []),
        ]}
        toolbar={
          can("admin") && (
            <Button icon={<Icon name="refresh" />} busy={busy} onClick={() => void reload()}>
              {t("reload")}
            </Button>
          )
        }
      />
      {shown !== null && (
        <EntryDrawer
          entry={shown}
          onClose={() => setShown(null)}
          onBacktest={can("research") ? backtest : undefined}
          onBot={can("automate") ? bot : undefined}
        />
      )}
    </>
  );
}
