import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Position } from "@/api/types";
import { useReadState } from "@/app/readState";
import { useAccountNames, useScope } from "@/app/scope";
import { useFilters } from "@/app/search";
import type { BotAction } from "@/features/bots/BotDialogs";
import { BotDrawer } from "@/features/bots/BotDrawer";
import { BOTS_QUERY, isStopped, useBots, type Bot } from "@/features/bots/reads";
import { Button } from "@/kit/Button";
import { DataGrid } from "@/kit/DataGrid";
import { EmptyState } from "@/kit/EmptyState";
import { EnvBadge } from "@/kit/EnvBadge";
import type { Column } from "@/kit/grid/types";
import { Icon } from "@/kit/Icon";
import { StatusPill, type PillTone } from "@/kit/StatusPill";
import { NOTHING, useFormats } from "@/lib/format";
import { useCan } from "@/lib/permissions";
import { fmtAge, fmtDuration } from "@/lib/time";
import { useLiveEvents, useLiveRows } from "@/live/hooks";
import { openPositions } from "@/live/live";

// Apart from the page, so that its list is shown before the forms are read.
const NewBotDialog = lazy(async () => ({ default: (await import("@/features/bots/BotDialogs")).NewBotDialog }));
const EditBotDialog = lazy(async () => ({ default: (await import("@/features/bots/EditBotDialog")).EditBotDialog }));
const BotActionDialog = lazy(async () => ({ default: (await import("@/features/bots/BotDialogs")).BotActionDialog }));

const TONES: Record<Bot["status"], PillTone> = {
  idle: "neutral",
  starting: "active",
  running: "good",
  stopping: "active",
  stopped: "neutral",
  error: "bad",
};

function useColumns(): readonly Column<Bot>[] {
  const { t } = useTranslation("research");
  const { time } = useFormats();
  const names = useAccountNames();
  const positions = useLiveRows(openPositions);
  return useMemo(
    (): Column<Bot>[] => [
      { id: "name", header: t("bot.name"), kind: "text", width: 140, priority: 1, value: (row) => row.name },
      {
        id: "status",
        header: t("status"),
        kind: "text",
        width: 130,
        priority: 1,
        value: (row) => row.status,
        cell: (row) => (
          <span title={row.reason ?? undefined}>
            <StatusPill tone={row.stale ? "warn" : TONES[row.status]}>
              {t(`botStatus.${row.status}`)}
              {row.stale && ` · ${t("bot.stale")}`}
            </StatusPill>
          </span>
        ),
      },
      { id: "strategy", header: t("strategy"), kind: "text", width: 110, priority: 1, value: (row) => `${row.strategy} ${row.version}` },
      {
        id: "account",
        header: t("column.account", { ns: "common" }),
        kind: "text",
        width: 150,
        priority: 1,
        value: (row) => names(row.account_id).label,
        cell: (row) => (
          <span className="flex items-center gap-1.5">
            {names(row.account_id).label}
            <EnvBadge environment={names(row.account_id).environment} />
          </span>
        ),
      },
      { id: "symbols", header: t("column.symbol", { ns: "common" }), kind: "text", width: 140, priority: 2, value: (row) => row.symbols.join(", ") },
      { id: "timeframe", header: t("timeframe"), kind: "text", width: 70, priority: 3, value: (row) => row.timeframe },
      { id: "mode", header: t("bot.mode"), kind: "text", width: 90, priority: 3, value: (row) => t(`modes.${row.mode}`) },
      {
        id: "heartbeat",
        header: t("bot.heartbeat"),
        kind: "text",
        width: 100,
        priority: 2,
        value: (row) => row.heartbeat_age_seconds,
        cell: (row) => (row.heartbeat_age_seconds === null ? NOTHING : fmtDuration(row.heartbeat_age_seconds * 1000)),
      },
      {
        id: "uptime",
        header: t("bot.uptime"),
        kind: "text",
        width: 90,
        priority: 4,
        value: (row) => row.started_at,
        cell: (row) => (isStopped(row) || row.started_at === null ? NOTHING : fmtAge(row.started_at)),
      },
      { id: "positions", header: t("bot.positions"), kind: "id", width: 90, priority: 3, value: (row) => positionsOf(row, positions).length },
      { id: "failures", header: t("bot.failures"), kind: "id", width: 80, priority: 4, value: (row) => row.failures },
      {
        id: "decision",
        header: t("bot.decision"),
        kind: "text",
        width: 220,
        grow: 2,
        priority: 2,
        value: (row) => row.last_decision?.at ?? null,
        cell: ({ last_decision: last }) =>
          last === null || last.action === null
            ? NOTHING
            : `${time(last.bar)} ${t(`direction.${last.action}`, { ns: "chart" })}${last.result === null ? "" : ` · ${t(`result.${last.result}`)}`}`,
      },
      { id: "reason", header: t("bot.reason"), kind: "text", width: 180, grow: 2, priority: 2, value: (row) => row.reason },
    ],
    [t, time, names, positions],
  );
}

/** The open positions that a bot trades. */
function positionsOf(bot: Bot, positions: readonly Position[]): readonly Position[] {
  return positions.filter((one) => one.account_id === bot.account_id && one.strategy_id === bot.strategy_id && bot.symbols.includes(one.symbol));
}

/** Bots: what they are, whether they run, what they decided; start, stop, create. */
export default function BotsPage() {
  const { t } = useTranslation("research");
  const client = useQueryClient();
  const can = useCan();
  const scope = useScope();
  const bots = useBots();
  const stateOf = useReadState();
  const columns = useColumns();
  const [filters, setFilters] = useFilters("new");
  const [isNew, setNew] = useState(filters.new !== undefined);
  const [asked, setAsked] = useState<{ bot: Bot; action: BotAction } | null>(null);
  const [edited, setEdited] = useState<Bot | null>(null);
  const [shownId, setShownId] = useState<number | null>(null);
  const renew = () => void client.invalidateQueries({ queryKey: BOTS_QUERY });
  useLiveEvents(["bot_status", "bot_decision"], renew);
  const ids = new Set(scope.ids);
  const rows = (bots.data ?? []).filter((bot) => ids.has(bot.account_id));
  const shown = rows.find((bot) => bot.id === shownId);
  const item = (bot: Bot, action: BotAction, danger: boolean) => ({
    id: action,
    label: t(`bot.${action}.action`),
    danger,
    run: () => setAsked({ bot, action }),
  });
  return (
    <>
      <DataGrid
        id="bots"
        label={t("bots")}
        columns={columns}
        rows={rows}
        state={stateOf(bots)}
        empty={<EmptyState title={t("bot.none")}>{t("bot.noneHint")}</EmptyState>}
        defaultSort={{ id: "name", desc: false }}
        exportName="bots"
        onOpen={(bot) => setShownId(bot.id)}
        readOnlyOnPhones
        actions={(bot) => {
          const details = { id: "details", label: t("bot.details"), run: () => setShownId(bot.id) };
          if (!can("automate", bot.account_id)) return [details];
          if (isStopped(bot) && bot.desired === "stopped") {
            const edit = { id: "edit", label: t("bot.edit.menu"), run: () => setEdited(bot) };
            return [details, item(bot, "start", false), edit, item(bot, "remove", true)];
          }
          return [details, item(bot, "stop", true), item(bot, "flatten", true)];
        }}
        toolbar={
          can("automate") && (
            <Button tone="primary" icon={<Icon name="plus" />} onClick={() => setNew(true)}>
              {t("bot.create.title")}
            </Button>
          )
        }
      />
      {shown !== undefined && <BotDrawer bot={shown} onClose={() => setShownId(null)} />}
      <Suspense fallback={null}>
        {isNew && (
          <NewBotDialog
            strategy={filters.new ?? null}
            onClose={() => {
              setNew(false);
              setFilters({ new: undefined });
            }}
            onDone={renew}
          />
        )}
        {edited !== null && <EditBotDialog bot={edited} onClose={() => setEdited(null)} onDone={renew} />}
        {asked !== null && <BotActionDialog {...asked} onClose={() => setAsked(null)} onDone={renew} />}
      </Suspense>
    </>
  );
}
