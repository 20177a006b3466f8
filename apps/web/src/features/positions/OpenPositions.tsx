import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Position } from "@/api/types";
import { useLedgerGroupings } from "@/app/groupings";
import { useOpenChart } from "@/app/openChart";
import { SavedViews } from "@/app/SavedViews";
import { useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import { CloseByDialog } from "@/features/positions/CloseByDialog";
import { CloseDialog } from "@/features/positions/CloseDialog";
import { CloseManyDialog } from "@/features/positions/CloseManyDialog";
import { usePositionColumns } from "@/features/positions/columns";
import { partnersOf } from "@/features/positions/figures";
import type { PositionDialogName } from "@/features/positions/dialogs";
import { LevelsDialog } from "@/features/positions/LevelsDialog";
import { MergeDialog } from "@/features/positions/MergeDialog";
import { PositionDrawer } from "@/features/positions/PositionDrawer";
import { SimpleDialog } from "@/features/positions/SimpleDialog";
import { TotalsBar } from "@/features/positions/TotalsBar";
import { Button } from "@/kit/Button";
import { DataGrid } from "@/kit/DataGrid";
import type { MenuItem } from "@/kit/Menu";
import { SearchField } from "@/kit/SearchField";
import { useCan } from "@/lib/permissions";
import { useLiveRows } from "@/live/hooks";
import { openPositions } from "@/live/live";
import { useFeedState } from "@/live/useFeed";

const ReassignPosition = lazy(async () => ({ default: (await import("@/features/positions/ReassignPosition")).ReassignPosition }));

const VIEW_FILTERS = ["symbol"];

type Opened = { kind: PositionDialogName; position: Position } | { kind: "many" } | null;

/** Open positions with live profit, totals, and all that can be done with them; `compact` beside a ticket. */
export function OpenPositions({ compact = false }: { compact?: boolean }) {
  const { t } = useTranslation("positions");
  const scope = useScope();
  const can = useCan();
  const [filters, setFilters, filtered] = useFilters("symbol");
  const [link, setLink] = useFilters("position");
  const setDetail = (id: number | null) => setLink({ position: id === null ? undefined : String(id) });
  const all = useLiveRows(openPositions);
  const wanted = (filters.symbol ?? "").toLowerCase();
  const rows = useMemo(() => all.filter((row) => row.symbol.toLowerCase().includes(wanted)), [all, wanted]);
  const feed = useFeedState(scope.ids);
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [opened, setOpened] = useState<Opened>(null);
  const chosen = rows.filter((row) => selected.has(row.id));
  const columns = usePositionColumns(compact);
  const openChart = useOpenChart();
  const groupings = useLedgerGroupings<Position>();

  const actions = (row: Position): MenuItem[] => {
    const open = (kind: PositionDialogName) => () => setOpened({ kind, position: row });
    const close = can("close", row.account_id);
    const trade = can("trade", row.account_id);
    return [
      { id: "details", label: t("menu.details"), run: () => setDetail(row.id) },
      { id: "chart", label: t("menu.chart"), run: () => openChart(row.account_id, row.symbol) },
      ...(trade
        ? [
            { id: "levels", label: t("menu.levels"), run: open("levels") },
            { id: "breakEven", label: t("menu.breakEven"), run: open("breakEven") },
          ]
        : []),
      ...(close
        ? [
            { id: "partial", label: t("menu.partial"), run: open("partial") },
            { id: "close", label: t("menu.close"), run: open("close"), danger: true },
            { id: "closeBy", label: t("menu.closeBy"), run: open("closeBy"), disabled: partnersOf(row, all, true).length === 0 },
            { id: "merge", label: t("menu.merge"), run: open("merge"), disabled: partnersOf(row, all, false).length === 0 },
          ]
        : []),
      ...(close && trade ? [{ id: "reverse", label: t("menu.reverse"), run: open("reverse") }] : []),
      ...(can("reassign", row.account_id) ? [{ id: "reassign", label: t("menu.reassign"), run: open("reassign") }] : []),
    ];
  };

  return (
    <>
      <DataGrid
        id="positions"
        label={t("label")}
        columns={columns}
        rows={rows}
        store={openPositions}
        groupings={groupings}
        state={{ ...feed, ...(scope.ids.length === 0 ? { forbidden: t("forbidden", { ns: "common", permission: t("noPermission") }) } : {}) }}
        empty={t("empty", { accounts: t("accounts", { ns: "common", count: scope.ids.length }) })}
        onClearFilters={filtered ? () => setFilters({ symbol: undefined }) : undefined}
        defaultSort={{ id: "symbol", desc: false }}
        exportName="positions"
        actions={actions}
        onOpen={(row) => setDetail(row.id)}
        onAct={(row) => can("close", row.account_id) && setOpened({ kind: "close", position: row })}
        {...(can("close") ? { selected, onSelect: setSelected } : {})}
        toolbar={
          <>
            <SearchField
              label={t("symbolFilter")}
              value={filters.symbol ?? ""}
              onChange={(symbol) => setFilters({ symbol: symbol || undefined })}
            />
            <SavedViews grid="positions" filters={VIEW_FILTERS} />
            {chosen.length > 0 && (
              <Button tone="danger" onClick={() => setOpened({ kind: "many" })}>
                {t("closeMany.button", { count: chosen.length })}
              </Button>
            )}
          </>
        }
      />
      <TotalsBar positions={rows} />
      <Opened opened={opened} chosen={chosen} onClose={() => setOpened(null)} />
      <Detail id={link.position} rows={all} onClose={() => setDetail(null)} />
    </>
  );
}

function Detail({ id, rows, onClose }: { id: string | undefined; rows: readonly Position[]; onClose: () => void }) {
  const position = rows.find((row) => String(row.id) === id);
  return position === undefined ? null : <PositionDrawer position={position} onClose={onClose} />;
}

function Opened({ opened, chosen, onClose }: { opened: Opened; chosen: readonly Position[]; onClose: () => void }) {
  if (opened === null) return null;
  if (opened.kind === "many") return <CloseManyDialog positions={chosen} onClose={onClose} />;
  // The row leaves the store when the position is closed; the dialog stays to show what became of it.
  const position = openPositions.get(opened.position.id) ?? opened.position;
  const props = { position, onClose };
  switch (opened.kind) {
    case "close":
      return <CloseDialog {...props} start="100" />;
    case "partial":
      return <CloseDialog {...props} start="50" />;
    case "closeBy":
      return <CloseByDialog {...props} />;
    case "merge":
      return <MergeDialog {...props} />;
    case "levels":
      return <LevelsDialog {...props} />;
    case "reassign":
      return (
        <Suspense fallback={null}>
          <ReassignPosition {...props} />
        </Suspense>
      );
    case "reverse":
    case "breakEven":
      return <SimpleDialog {...props} kind={opened.kind} />;
  }
}
