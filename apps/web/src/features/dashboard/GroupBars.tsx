import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Group } from "@/features/dashboard/reads";
import { EmptyState } from "@/kit/EmptyState";
import { cx } from "@/lib/cx";
import { abs, cmp, div, mul, type Decimal } from "@/lib/decimal";
import { toneOf, useFormats } from "@/lib/format";
import { placesOf } from "@/lib/symbol";

const TEXT = { up: "text-up", down: "text-down" };
const BAR = { up: "bg-up", down: "bg-down" };

export type Amount = readonly [currency: string, amount: Decimal];

interface Props {
  groups: readonly Group[];
  name: (group: Group) => ReactNode;
  note: (group: Group) => string;
  empty: string;
  /** At most so many rows: the best and the worst. */
  limit?: number;
  order?: GroupOrder;
  /** What a group earned in each currency, where these are several. */
  amounts?: (group: Group) => readonly Amount[];
  /** Beside the name: how the result came about. */
  curve?: (group: Group) => ReactNode;
}

export const GROUP_ORDERS = ["result", "positions"] as const;
export type GroupOrder = (typeof GROUP_ORDERS)[number];

function widthOf(value: Decimal, largest: Decimal): string {
  return `${div(mul(abs(value), "100"), largest, 1) ?? "0"}%`;
}

function extremes(groups: readonly Group[], limit: number | undefined, order: GroupOrder): readonly Group[] {
  if (order === "positions") return groups.toSorted((a, b) => b.closed_positions - a.closed_positions).slice(0, limit);
  const sorted = groups.toSorted((a, b) => cmp(b.total_pnl ?? "0", a.total_pnl ?? "0"));
  if (limit === undefined || sorted.length <= limit) return sorted;
  const best = Math.ceil(limit / 2);
  return [...sorted.slice(0, best), ...sorted.slice(sorted.length - (limit - best))];
}

/** The result of a group in its currency, or in each of several. */
function Result({ group, amounts }: { group: Group; amounts: readonly Amount[] }) {
  const { t } = useTranslation("dashboard");
  const { number } = useFormats();
  const mixed = group.closed_positions > 0 && group.total_pnl === null;
  if (mixed && amounts.length === 0) return <span className="text-2xs text-muted">{t("severalCurrencies")}</span>;
  const shown: readonly (readonly [string, Decimal | null])[] = mixed ? amounts : [[group.currency ?? "", group.total_pnl]];
  return (
    <span className="num flex min-w-28 flex-col text-end whitespace-nowrap" title={mixed ? t("notAdded") : undefined}>
      {shown.map(([currency, amount]) => {
        const tone = toneOf(amount);
        return (
          <span key={currency} className={cx(tone !== undefined && TEXT[tone])}>
            {number(amount, { places: placesOf(currency), plus: true })} {currency}
          </span>
        );
      })}
    </span>
  );
}

/** Results of groups as bars: the best first, or those with most positions. A group with several currencies has no bar: its amounts are not added. */
export function GroupBars({ groups, name, note, empty, limit, order = "result", curve, amounts }: Props) {
  const rows = extremes(groups, limit, order);
  if (rows.length === 0) return <EmptyState title={empty} />;
  const largest = rows.reduce((found, row) => (cmp(abs(row.total_pnl ?? "0"), found) > 0 ? abs(row.total_pnl ?? "0") : found), "0");
  return (
    <ul className="flex flex-col gap-1.5 overflow-auto p-3">
      {rows.map((row) => {
        const tone = toneOf(row.total_pnl);
        return (
          <li key={row.key} className="flex flex-col gap-0.5 text-sm">
            <span className="flex items-center gap-3">
              <span className="min-w-0 flex-1 truncate">{name(row)}</span>
              {curve?.(row)}
              <Result group={row} amounts={amounts?.(row) ?? []} />
            </span>
            <span className="flex items-center gap-2">
              <span className="h-1 flex-1 bg-raise">
                <span
                  className={cx("block h-1", tone !== undefined && BAR[tone])}
                  style={{ width: widthOf(row.total_pnl ?? "0", largest) }}
                />
              </span>
              <span className="num w-40 truncate text-end text-2xs text-muted">{note(row)}</span>
            </span>
          </li>
        );
      })}
    </ul>
  );
}
