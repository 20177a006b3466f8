/** Columns of the list of bots. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Position } from "@/api/types";
import { Amounts } from "@/app/Amounts";
import { useAccountNames } from "@/app/scope";
import { useBotFigures, isStopped, type Bot, type BotEvent, type BotFigures } from "@/features/bots/reads";
import { EnvBadge } from "@/kit/EnvBadge";
import type { Column } from "@/kit/grid/types";
import { StatusPill, type PillTone } from "@/kit/StatusPill";
import { cx } from "@/lib/cx";
import type { Decimal } from "@/lib/decimal";
import { NOTHING, useFormats } from "@/lib/format";
import { placesOf } from "@/lib/symbol";
import { fmtAge, fmtDuration } from "@/lib/time";
import { useLiveRows } from "@/live/hooks";
import { openPositions } from "@/live/live";

const TONES: Record<Bot["status"], PillTone> = {
  idle: "neutral",
  starting: "active",
  running: "good",
  stopping: "active",
  stopped: "neutral",
  error: "bad",
};

/** The wallet of the currencies that a bot trades with. */
export function useBalanceText(): (figures: BotFigures | undefined) => string {
  const { number } = useFormats();
  return useMemo(
    () => (figures) => {
      const rows = figures?.balances ?? [];
      const texts = rows.map((row) => `${number(row.free ?? row.total, { places: placesOf(row.currency) })} ${row.currency}`);
      return texts.join(", ") || NOTHING;
    },
    [number],
  );
}

/** When and what a decision was, and what became of it. */
export function useDecisionText(): (event: BotEvent | null | undefined) => string {
  const { t } = useTranslation("research");
  const { time } = useFormats();
  return useMemo(
    () => (event) =>
      event === null || event === undefined || event.action === null
        ? NOTHING
        : `${time(event.bar)} ${t(`direction.${event.action}`, { ns: "chart" })}${event.result === null ? "" : ` · ${t(`result.${event.result}`)}`}`,
    [t, time],
  );
}

/** The amount of the only currency; amounts in several have no order. */
function onlyAmount(amounts: Readonly<Record<string, Decimal | null>> | undefined): Decimal | null {
  const values = Object.values(amounts ?? {});
  return values.length === 1 ? (values[0] ?? null) : null;
}

export function useBotColumns(): readonly Column<Bot>[] {
  const first = useTermColumns();
  const figures = useFigureColumns();
  const { t } = useTranslation("research");
  const decision = useDecisionText();
  return useMemo(
    () => [
      ...first,
      ...figures,
      {
        id: "decision",
        header: t("bot.decision"),
        kind: "text",
        width: 220,
        grow: 2,
        priority: 3,
        value: (row) => row.last_decision?.at ?? null,
        cell: (row) => decision(row.last_decision),
      },
      { id: "reason", header: t("bot.reason"), kind: "text", width: 140, grow: 2, priority: 2, value: (row) => row.reason },
    ],
    [first, figures, t, decision],
  );
}

/** What a bot is, and whether it runs. */
function useTermColumns(): readonly Column<Bot>[] {
  const { t } = useTranslation("research");
  const names = useAccountNames();
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
        width: 140,
        priority: 1,
        value: (row) => names(row.account_id).label,
        cell: (row) => (
          <span className="flex items-center gap-1.5">
            {names(row.account_id).label}
            <EnvBadge environment={names(row.account_id).environment} />
          </span>
        ),
      },
      { id: "symbols", header: t("column.symbol", { ns: "common" }), kind: "text", width: 120, priority: 2, value: (row) => row.symbols.join(", ") },
      { id: "timeframe", header: t("timeframe"), kind: "text", width: 70, priority: 3, value: (row) => row.timeframe },
      { id: "mode", header: t("bot.mode"), kind: "text", width: 90, priority: 3, value: (row) => t(`modes.${row.mode}`) },
      {
        id: "heartbeat",
        header: t("bot.heartbeat"),
        kind: "text",
        width: 100,
        priority: 3,
        value: (row) => row.heartbeat_age_seconds,
        cell: (row) => (row.heartbeat_age_seconds === null ? NOTHING : fmtDuration(row.heartbeat_age_seconds * 1000)),
      },
      {
        id: "uptime",
        header: t("bot.uptime"),
        kind: "text",
        width: 90,
        priority: 3,
        value: (row) => row.started_at,
        cell: (row) => uptimeOf(row),
      },
    ],
    [t, names],
  );
}

/** How long a bot has been running. */
export function uptimeOf(bot: Bot): string {
  return isStopped(bot) || bot.started_at === null ? NOTHING : fmtAge(bot.started_at);
}

/** What a bot has earned, and what went wrong. */
function useFigureColumns(): readonly Column<Bot>[] {
  const { t } = useTranslation("research");
  const positions = useLiveRows(openPositions);
  const { data } = useBotFigures();
  const balance = useBalanceText();
  const decision = useDecisionText();
  return useMemo((): Column<Bot>[] => {
    const of = (row: Bot) => data?.get(row.id);
    const amounts = (id: "day_results" | "open_profit", header: string): Column<Bot> => ({
      id,
      header,
      kind: "decimal",
      width: 110,
      priority: 2,
      value: (row) => onlyAmount(of(row)?.[id]),
      cell: (row) => <Amounts amounts={of(row)?.[id] ?? {}} />,
    });
    return [
      amounts("day_results", t("bot.day")),
      amounts("open_profit", t("bot.open")),
      { id: "positions", header: t("bot.positions"), kind: "id", width: 90, priority: 3, value: (row) => positionsOf(row, positions).length },
      {
        id: "errors",
        header: t("bot.errors"),
        kind: "id",
        width: 80,
        priority: 2,
        value: (row) => of(row)?.errors_24h ?? null,
        cell: (row) => {
          const count = of(row)?.errors_24h;
          return <span className={cx(count !== undefined && count > 0 && "text-down")}>{count ?? NOTHING}</span>;
        },
      },
      { id: "failures", header: t("bot.failures"), kind: "id", width: 80, priority: 4, value: (row) => row.failures },
      { id: "balance", header: t("bot.balance"), kind: "text", width: 130, priority: 2, value: (row) => balance(of(row)) },
      {
        id: "signal",
        header: t("bot.signal"),
        kind: "text",
        width: 220,
        grow: 2,
        priority: 3,
        value: (row) => of(row)?.last_signal?.at ?? null,
        cell: (row) => decision(of(row)?.last_signal),
      },
    ];
  }, [t, positions, data, balance, decision]);
}

/** The open positions that a bot trades. */
function positionsOf(bot: Bot, positions: readonly Position[]): readonly Position[] {
  return positions.filter((one) => one.account_id === bot.account_id && one.strategy_id === bot.strategy_id && bot.symbols.includes(one.symbol));
}
