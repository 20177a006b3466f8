import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useExitReason } from "@/features/backtests/columns";
import type { RoundTrip } from "@/features/backtests/reads";
import { Calendar, type DayResult } from "@/features/dashboard/Calendar";
import { Panel } from "@/kit/Panel";
import { add, sign, type Decimal } from "@/lib/decimal";
import { toneOf, useFormats } from "@/lib/format";

export interface GroupRow {
  key: string;
  count: number;
  wins: number;
  pnl: Decimal;
}

/** Round trips by what they have in common, the most frequent first. */
export function byGroup(trips: readonly RoundTrip[], keyOf: (trip: RoundTrip) => string): GroupRow[] {
  const rows = new Map<string, GroupRow>();
  for (const trip of trips) {
    const key = keyOf(trip);
    const row = rows.get(key) ?? { key, count: 0, wins: 0, pnl: "0" };
    rows.set(key, { key, count: row.count + 1, wins: row.wins + (sign(trip.pnl) > 0 ? 1 : 0), pnl: add(row.pnl, trip.pnl) });
  }
  return [...rows.values()].toSorted((x, y) => y.count - x.count);
}

export function reasonOf(trip: RoundTrip): string {
  return trip.exit_reason;
}

function sideOf(trip: RoundTrip): string {
  return trip.side;
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

/** The result of each reason of exit, and of long and short trades. */
export function Breakdowns({ trips }: { trips: readonly RoundTrip[] }) {
  const { t } = useTranslation("research");
  const reason = useExitReason();
  const side = (key: string) => t(`side.${key as "long"}`, { ns: "common" });
  return (
    <div className="flex flex-col gap-3">
      <Breakdown title={t("report.reasons")} header={t("trip.reason")} trips={trips} keyOf={reasonOf} name={reason} />
      <Breakdown title={t("report.sides")} header={t("column.side", { ns: "common" })} trips={trips} keyOf={sideOf} name={side} />
    </div>
  );
}

interface BreakdownProps {
  title: string;
  header: string;
  trips: readonly RoundTrip[];
  /** The same function each time. */
  keyOf: (trip: RoundTrip) => string;
  name: (key: string) => string;
}

function Breakdown({ title, header, trips, keyOf, name }: BreakdownProps) {
  const { t } = useTranslation("research");
  const { number } = useFormats();
  const rows = useMemo(() => byGroup(trips, keyOf), [trips, keyOf]);
  return (
    <Panel title={title}>
      <table aria-label={title} className="num m-3 text-sm">
        <thead>
          <tr className="text-muted">
            <th className="text-start font-normal">{header}</th>
            <th className="text-end font-normal">{t("figure.total_trades")}</th>
            <th className="text-end font-normal">{t("report.won")}</th>
            <th className="text-end font-normal">{t("trip.pnl")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key} className="border-t border-line">
              <th className="py-1 text-start font-normal">{name(row.key)}</th>
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
