import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { monthLabel, weekdayLabels, weeksOf } from "@/features/dashboard/days";
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

const TONES = { up: "bg-up/35", down: "bg-down/35" };

/** The result of each day (UTC): a column per week with its month above, Monday on top. */
export function Calendar({ groups, start, end }: Props) {
  const { t, i18n } = useTranslation("dashboard");
  const byDay = useMemo(() => new Map(groups.map((group) => [String(group.key), group])), [groups]);
  const weeks = weeksOf(start, end);
  return (
    <div className="flex flex-col gap-1 overflow-auto p-3">
      <div aria-hidden className="flex h-4 gap-1 ps-10 text-2xs text-muted">
        {weeks.map((week, index) => (
          <span key={week[0]} className="w-6 whitespace-nowrap">
            {monthLabel(week, weeks[index - 1], i18n.language)}
          </span>
        ))}
      </div>
      <div className="flex gap-1">
        <div aria-hidden className="grid w-9 shrink-0 grid-rows-7 gap-1 text-2xs text-muted">
          {weekdayLabels(i18n.language).map((label) => (
            <span key={label} className="flex h-6 items-center">
              {label}
            </span>
          ))}
        </div>
        <ol aria-label={t("calendar.label")} className="grid grid-flow-col grid-rows-7 justify-start gap-1">
          {weeks.flat().map((day) => (
            <Day key={day} day={day} group={byDay.get(day)} />
          ))}
        </ol>
      </div>
    </div>
  );
}

function Day({ day, group }: { day: string; group: DayResult | undefined }) {
  const { t } = useTranslation("dashboard");
  const { number } = useFormats();
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
    <li title={text} className={cx("size-6 rounded-sm text-center text-2xs", tone === undefined ? "bg-raise" : TONES[tone])}>
      <span aria-hidden>{tone === undefined ? "" : tone === "up" ? "+" : "\u2212"}</span>
      <span className="sr-only">{text}</span>
    </li>
  );
}
