/** Columns that lists of orders, deals and positions share. */
import { useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useStrategyNames } from "@/api/strategies";
import type { Side } from "@/api/types";
import { useAccountNames } from "@/app/scope";
import { sumsByCurrency } from "@/app/sums";
import { EnvBadge } from "@/kit/EnvBadge";
import type { Column } from "@/kit/grid/types";
import { SideText } from "@/kit/SideText";
import { cx } from "@/lib/cx";
import { shorten, type Decimal } from "@/lib/decimal";
import { toneOf, useFormats, type Formats } from "@/lib/format";
import { placesOf, profitCurrency } from "@/lib/symbol";
import { fmtAge } from "@/lib/time";

interface LedgerRow {
  id: number;
  account_id: number;
  strategy_id: number;
  symbol: string;
  /** Rows of other kinds, such as signals, have none. */
  side?: Side;
}

const TONES = { up: "text-up", down: "text-down" };

type Extra<Row> = Partial<Column<Row>>;

/** The profits of rows by currency; null without any. */
export function profitSubtotal<Row extends LedgerRow>(number: Formats["number"], value: (row: Row) => Decimal | null) {
  return (rows: readonly Row[]): ReactNode => {
    const known = rows.flatMap((row) => {
      const profit = value(row);
      return profit === null ? [] : [[profitCurrency(row.symbol), profit] as const];
    });
    if (known.length === 0) return null;
    return sumsByCurrency(known).map(([currency, sum]) => {
      const tone = toneOf(sum);
      return (
        <span key={currency} className={cx("font-semibold", tone !== undefined && TONES[tone])}>
          {number(sum, { places: placesOf(currency), plus: true })} {currency}
        </span>
      );
    });
  };
}

export interface LedgerColumns<Row extends LedgerRow> {
  id: Column<Row>;
  account: Column<Row>;
  environment: Column<Row>;
  strategy: Column<Row>;
  symbol: Column<Row>;
  /** `position`: long and short in place of buy and sell. */
  side: (position?: boolean) => Column<Row>;
  decimal: (id: string, header: string, value: (row: Row) => Decimal | null, extra?: Extra<Row>) => Column<Row>;
  /** An average price: the whole value is in the tooltip. */
  price: (id: string, header: string, value: (row: Row) => Decimal | null, extra?: Extra<Row>) => Column<Row>;
  profit: (id: string, header: string, value: (row: Row) => Decimal | null, extra?: Extra<Row>) => Column<Row>;
  time: (id: string, header: string, value: (row: Row) => string | null, extra?: Extra<Row>) => Column<Row>;
  age: (id: string, header: string, value: (row: Row) => string, extra?: Extra<Row>) => Column<Row>;
  text: (id: string, header: string, value: (row: Row) => string | null, extra?: Extra<Row>) => Column<Row>;
}

export function useLedgerColumns<Row extends LedgerRow>(): LedgerColumns<Row> {
  const { t } = useTranslation();
  const { number, time } = useFormats();
  const account = useAccountNames();
  const strategy = useStrategyNames();
  return useMemo(
    (): LedgerColumns<Row> => ({
      id: { id: "id", header: t("column.id"), kind: "id", width: 60, grow: 0, priority: 3, value: (row) => row.id },
      account: {
        id: "account",
        header: t("column.account"),
        kind: "text",
        width: 104,
        value: (row) => account(row.account_id).label,
      },
      environment: {
        id: "environment",
        header: t("column.environment"),
        kind: "text",
        width: 72,
        grow: 0,
        priority: 3,
        value: (row) => account(row.account_id).environment,
        cell: (row) => <EnvBadge environment={account(row.account_id).environment} />,
      },
      strategy: {
        id: "strategy",
        header: t("column.strategy"),
        kind: "text",
        width: 88,
        priority: 4,
        value: (row) => strategy(row.strategy_id),
      },
      symbol: { id: "symbol", header: t("column.symbol"), kind: "text", width: 124, priority: 1, value: (row) => row.symbol },
      side: (position = false) => ({
        id: "side",
        header: t("column.side"),
        kind: "text",
        width: 68,
        grow: 0,
        priority: 1,
        value: (row) => row.side ?? null,
        cell: (row) => (row.side === undefined ? null : <SideText side={row.side} position={position} />),
      }),
      decimal: (id, header, value, extra) => ({
        id,
        header,
        kind: "decimal",
        width: 88,
        value,
        cell: (row) => number(value(row)),
        ...extra,
      }),
      price: (id, header, value, extra) => ({
        id,
        header,
        kind: "decimal",
        width: 96,
        value,
        cell: (row) => {
          const price = value(row);
          return <span title={price ?? undefined}>{number(price === null ? null : shorten(price))}</span>;
        },
        ...extra,
      }),
      profit: (id, header, value, extra) => ({
        id,
        header,
        kind: "decimal",
        width: 96,
        value,
        subtotal: profitSubtotal(number, value),
        cell: (row) => {
          const tone = toneOf(value(row));
          return <span className={tone && TONES[tone]}>{number(value(row), { places: placesOf(profitCurrency(row.symbol)), plus: true })}</span>;
        },
        ...extra,
      }),
      time: (id, header, value, extra) => ({
        id,
        header,
        kind: "time",
        width: 142,
        grow: 0,
        value,
        cell: (row) => time(value(row)),
        ...extra,
      }),
      age: (id, header, value, extra) => ({
        id,
        header,
        kind: "time",
        width: 72,
        priority: 3,
        value,
        cell: (row) => <span title={time(value(row))}>{fmtAge(value(row))}</span>,
        ...extra,
      }),
      text: (id, header, value, extra) => ({ id, header, kind: "text", width: 96, value, ...extra }),
    }),
    [t, number, time, account, strategy],
  );
}
