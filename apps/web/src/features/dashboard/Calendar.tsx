import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { cx } from "@/lib/cx";
import { toneOf, useFormats } from "@/lib/format";
import { placesOf } from "@/lib/symbol";

/** What was earned on a day. */
export interface DayResult {
  /** `2026-02-25` */
  key: string | number;
  total_pnl: string | null;
  currency: string | null;
  closed_positions: number;
}

interface Props {
  groups: readonly DayResult[];
  /** First and last day. */
  start: string;
  end: string;
}

const DAY_MS = 86_400_000;
/** More weeks than this do not fit the panel: the last ones are shown. */
const WEEKS_MAX = 27;
const TONES = { up: "bg-up/35", down: "bg-down/35" };

function daysFrom(start: string, end: string): string[] {
  const last = Date.parse(`${end}T00:00:00Z`);
  const first = Math.max(Date.parse(`${start}T00:00:00Z`), last - (WEEKS_MAX * 7 - 1) * DAY_MS);
  const monday = first - (((new Date(first).getUTCDay() + 6) % 7) * DAY_MS);
  const days: string[] = [];
  for (let at = monday; at <= last; at += DAY_MS) days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}

/** The result of each day (UTC): a column per week, Monday on top. */
export function Calendar({ groups, start, end }: Props) {
  const { t } = useTranslation("dashboard");
  const { number } = useFormats();
  const byDay = useMemo(() => new Map(groups.map((group) => [String(group.key), group])), [groups]);
  const days = daysFrom(start, end);
  return (
    <ol aria-label={t("calendar.label")} className="grid grid-flow-col grid-rows-7 justify-start gap-1 overflow-auto p-3">
      {days.map((day) => {
        const group = byDay.get(day);
        const tone = toneOf(group?.total_pnl ?? null);
        const text =
          group === undefined
            ? t("calendar.none", { day })
            : t("calendar.day", {
                day,
                result: `${number(group.total_pnl, { places: placesOf(group.currency ?? ""), plus: true })} ${group.currency ?? ""}`,
                count: group.closed_positions,
              });
        return (
          <li key={day} title={text} className={cx("size-6 rounded-sm text-center text-2xs", tone === undefined ? "bg-raise" : TONES[tone])}>
            <span aria-hidden>{tone === undefined ? "" : tone === "up" ? "+" : "\u2212"}</span>
            <span className="sr-only">{text}</span>
          </li>
        );
      })}
    </ol>
  );
}
