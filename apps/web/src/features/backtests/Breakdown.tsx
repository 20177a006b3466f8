import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useExitReason } from "@/features/backtests/columns";
import type { RoundTrip } from "@/features/backtests/reads";
import { Calendar, type DayResult } from "@/features/dashboard/Calendar";
import { Panel } from "@/kit/Panel";
import { add, sign, type Decimal } from "@/lib/decimal";
import { toneOf, useFormats } from "@/lib/format";

export interface ReasonRow {
  reason: string;
  count: number;
  wins: number;
  pnl: Decimal;
}

/** Round trips by the reason of their exit, the most frequent first. */
export function byReason(trips: readonly RoundTrip[]): ReasonRow[] {
  const rows = new Map<string, ReasonRow>();
  for (const { exit_reason: reason, pnl } of trips) {
    const row = rows.get(reason) ?? { reason, count: 0, wins: 0, pnl: "0" };
    rows.set(reason, { reason, count: row.count + 1, wins: row.wins + (sign(pnl) > 0 ? 1 : 0), pnl: add(row.pnl, pnl) });
  }
  return [...rows.values()].toSorted((a, b) => b.count - a.count);
}

/** Round trips by the day (UTC) of their exit. */
export function byDay(trips: readonly RoundTrip[], currency: string): DayResult[] {
  const rows = new Map<string, DayResult & { total_pnl: Decimal }>();
  for (const { exit_time, pnl } of trips) {
    const key = exit_time.slice(0, 10);
    const row = rows.get(key);
    rows.set(key, { key, currency, total_pnl: add(row?.total_pnl ?? "0", pnl), closed_positions: (row?.closed_positions ?? 0) + 1 });
  }
  return [...rows.values()];
}

/** The result of each reason of exit. */
export function ExitReasons({ trips }: { trips: readonly RoundTrip[] }) {
  const { t } = useTranslation("research");
  const { number } = useFormats();
  const words = useExitReason();
  const rows = useMemo(() => byReason(trips), [trips]);
  return (
    <Panel title={t("report.reasons")}>
      <table aria-label={t("report.reasons")} className="num m-3 text-sm">
        <thead>
          <tr className="text-muted">
            <th className="text-start font-normal">{t("trip.reason")}</th>
            <th className="text-end font-normal">{t("figure.total_trades")}</th>
            <th className="text-end font-normal">{t("report.won")}</th>
            <th className="text-end font-normal">{t("trip.pnl")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.reason} className="border-t border-line">
              <th className="py-1 text-start font-normal">{words(row.reason)}</th>
              <td className="text-end">{row.count}</td>
              <td className="text-end">{row.wins}</td>
              <td className={`text-end ${toneClass(row.pnl)}`}>{number(row.pnl, { places: 2, plus: true })}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

export function toneClass(value: Decimal): string {
  const tone = toneOf(value);
  return tone === undefined ? "" : tone === "up" ? "text-up" : "text-down";
}

/** The result of each day. */
export function ResultCalendar({ trips, currency }: { trips: readonly RoundTrip[]; currency: string }) {
  const { t } = useTranslation("research");
  const groups = useMemo(() => byDay(trips, currency), [trips, currency]);
  const days = groups.map((group) => String(group.key)).toSorted();
  const [first, last] = [days[0], days.at(-1)];
  return (
    <Panel title={t("report.calendar")}>
      {first === undefined || last === undefined ? (
        <p className="p-3 text-sm text-muted">{t("report.noTrades")}</p>
      ) : (
        <Calendar groups={groups} start={first} end={last} />
      )}
    </Panel>
  );
}
