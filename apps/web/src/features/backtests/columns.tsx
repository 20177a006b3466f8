import { useCallback, useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Backtest, TripRow } from "@/features/backtests/reads";
import type { Column } from "@/kit/grid/types";
import { StatusPill, type PillTone } from "@/kit/StatusPill";
import { NOTHING, toneOf, useFormats } from "@/lib/format";
import { fmtDuration } from "@/lib/time";

/** A ratio of the gateway as decimal text, cut to `places`. */
export function ratioText(value: number | null, places = 2): string | null {
  if (value === null) return null;
  const text = value.toLocaleString("en", { useGrouping: false, maximumFractionDigits: places });
  return text === "-0" ? "0" : text;
}

export const RUN_TONES: Record<Backtest["status"], PillTone> = {
  queued: "neutral",
  running: "active",
  done: "good",
  failed: "bad",
  canceled: "warn",
};

function Colored({ value, text }: { value: string | null; text: string }) {
  const tone = toneOf(value);
  return <span className={tone === undefined ? "" : tone === "up" ? "text-up" : "text-down"}>{text}</span>;
}

/** Percent of what a run has to do that is done. */
export function progressOf({ progress }: Backtest): number {
  return progress === null || progress.total === 0 ? 0 : Math.floor((progress.done * 100) / progress.total);
}

export function useBacktestColumns(): readonly Column<Backtest>[] {
  const { t } = useTranslation("research");
  const { number, time } = useFormats();
  return useMemo((): Column<Backtest>[] => {
    const ratio = (id: "total_return_pct" | "cagr_pct" | "sharpe_ratio" | "sortino_ratio" | "max_drawdown" | "profit_factor" | "win_rate", priority: 1 | 2 | 3 | 4, colored = false): Column<Backtest> => ({
      id,
      header: t(`figure.${id}`),
      kind: "decimal",
      width: 96,
      priority,
      value: (row) => ratioText(row[id], 8),
      cell: (row) => {
        const text = number(ratioText(row[id]), { plus: colored });
        return colored ? <Colored value={ratioText(row[id])} text={text} /> : text;
      },
    });
    return [
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 2, value: (row) => row.id },
      {
        id: "status",
        header: t("status"),
        kind: "text",
        width: 130,
        priority: 1,
        value: (row) => row.status,
        cell: (row) => (
          <StatusPill tone={row.stale ? "warn" : RUN_TONES[row.status]}>
            {row.status === "running" ? t("progress", { percent: progressOf(row) }) : t(`runStatus.${row.status}`)}
          </StatusPill>
        ),
      },
      { id: "strategy", header: t("strategy"), kind: "text", width: 110, priority: 1, value: (row) => row.strategy },
      { id: "params", header: t("params"), kind: "text", width: 150, priority: 3, value: (row) => paramsText(row.params) },
      { id: "symbol", header: t("column.symbol", { ns: "common" }), kind: "text", width: 120, priority: 1, value: (row) => row.symbol },
      { id: "timeframe", header: t("timeframe"), kind: "text", width: 70, priority: 2, value: (row) => row.timeframe },
      { id: "trades", header: t("figure.total_trades"), kind: "decimal", width: 70, priority: 2, value: (row) => ratioText(row.total_trades, 0) },
      ratio("total_return_pct", 1, true),
      ratio("cagr_pct", 4, true),
      ratio("sharpe_ratio", 2),
      ratio("sortino_ratio", 4),
      ratio("max_drawdown", 2),
      ratio("profit_factor", 3),
      ratio("win_rate", 3),
      { id: "created", header: t("created"), kind: "time", width: 142, grow: 0, priority: 4, value: (row) => row.created_at, cell: (row) => time(row.created_at) },
    ];
  }, [t, number, time]);
}

const EXIT_REASONS = ["signal", "sl", "tp", "trailing", "liquidation", "end_of_data"] as const;

/** Why a round trip ended, in words. */
export function useExitReason(): (code: string | null) => string {
  const { t } = useTranslation("research");
  return useCallback(
    (code) => {
      const known = EXIT_REASONS.find((one) => one === code);
      return known === undefined ? (code ?? NOTHING) : t(`exitReason.${known}`);
    },
    [t],
  );
}

/** `fast 10, slow 40` */
export function paramsText(params: Record<string, unknown>): string {
  return Object.entries(params)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
}

/** `win`, `loss` or `even`; null: it has not ended. */
function outcomeOf({ pnl }: TripRow): "win" | "loss" | "even" | null {
  if (pnl === null) return null;
  const tone = toneOf(pnl);
  return tone === undefined ? "even" : tone === "up" ? "win" : "loss";
}

function durationOf(row: TripRow): number | null {
  return row.exit_time === null ? null : Date.parse(row.exit_time) - Date.parse(row.entry_time);
}

/** Round trips, those that have not ended, too. */
export function useRoundTripColumns(): readonly Column<TripRow>[] {
  const { t } = useTranslation("research");
  const reason = useExitReason();
  const { number, time } = useFormats();
  return useMemo(
    (): Column<TripRow>[] => [
      { id: "number", header: t("trip.number"), kind: "id", width: 60, grow: 0, priority: 3, value: (row) => row.number },
      { id: "side", header: t("column.side", { ns: "common" }), kind: "text", width: 70, priority: 1, value: (row) => t(`side.${row.side}`, { ns: "common" }) },
      { id: "entry", header: t("trip.entry"), kind: "time", width: 142, priority: 1, value: (row) => row.entry_time, cell: (row) => time(row.entry_time) },
      { id: "entryPrice", header: t("trip.entryPrice"), kind: "decimal", width: 100, priority: 2, value: (row) => row.entry_price, cell: (row) => number(row.entry_price) },
      { id: "exit", header: t("trip.exit"), kind: "time", width: 142, priority: 1, value: (row) => row.exit_time, cell: (row) => time(row.exit_time) },
      { id: "exitPrice", header: t("trip.exitPrice"), kind: "decimal", width: 100, priority: 2, value: (row) => row.exit_price, cell: (row) => number(row.exit_price) },
      { id: "qty", header: t("trip.qty"), kind: "decimal", width: 110, priority: 3, value: (row) => row.qty, cell: (row) => number(row.qty) },
      { id: "fees", header: t("trip.fees"), kind: "decimal", width: 80, priority: 4, value: (row) => row.fees, cell: (row) => number(row.fees, { places: 2 }) },
      {
        id: "pnl",
        header: t("trip.pnl"),
        kind: "decimal",
        width: 100,
        priority: 1,
        value: (row) => row.pnl,
        cell: (row) => <Colored value={row.pnl} text={number(row.pnl, { places: 2, plus: true })} />,
      },
      {
        id: "outcome",
        header: t("trip.outcome"),
        kind: "text",
        width: 80,
        priority: 3,
        value: outcomeOf,
        cell: (row) => t(`outcome.${outcomeOf(row) ?? "open"}`),
      },
      {
        id: "duration",
        header: t("trip.duration"),
        kind: "id",
        width: 90,
        priority: 3,
        value: durationOf,
        cell: (row) => (row.exit_time === null ? NOTHING : fmtDuration(durationOf(row) ?? 0)),
      },
      { id: "pct", header: "%", kind: "decimal", width: 80, priority: 1, value: (row) => ratioText(row.pnl_pct, 8), cell: (row) => number(ratioText(row.pnl_pct), { plus: true }) },
      { id: "bars", header: t("trip.bars"), kind: "decimal", width: 70, priority: 3, value: (row) => (row.bars_held === null ? null : String(row.bars_held)), cell: (row) => row.bars_held ?? NOTHING },
      { id: "reason", header: t("trip.reason"), kind: "text", width: 110, priority: 2, value: (row) => row.exit_reason, cell: (row) => reason(row.exit_reason) },
    ],
    [t, number, time, reason],
  );
}

