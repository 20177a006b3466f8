import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { StarButton } from "@/features/symbols/StarButton";
import { MARKET_TYPES, type MarketRow, type MarketType } from "@/features/symbols/markets";
import type { Column } from "@/kit/grid/types";
import { StatusPill } from "@/kit/StatusPill";
import type { Decimal } from "@/lib/decimal";
import { NOTHING, useFormats } from "@/lib/format";

/** The word for a type of market; a type of its own of an exchange is shown as it is. */
export function useTypeWord(): (type: string) => string {
  const { t } = useTranslation("symbols");
  return (type) => (MARKET_TYPES.includes(type as MarketType) ? t(`type.${type as MarketType}`) : type);
}

/** The columns of the list of symbols. */
export function useMarketColumns(favourites: ReadonlySet<string>): readonly Column<MarketRow>[] {
  const { t } = useTranslation("symbols");
  const { number } = useFormats();
  return useMemo((): Column<MarketRow>[] => {
    const decimal = (
      id: string,
      header: string,
      value: (row: MarketRow) => Decimal | null,
      extra: Partial<Column<MarketRow>> = {},
    ): Column<MarketRow> => ({ id, header, kind: "decimal", width: 88, value, cell: (row) => number(value(row)), ...extra });
    const percent = (id: "maker" | "taker"): Column<MarketRow> =>
      decimal(id, t(`column.${id}`), (row) => row[id], {
        width: 80,
        priority: 3,
        cell: (row) => (row[id] === null ? NOTHING : `${number(row[id])} %`),
      });
    return [
      {
        id: "favourite",
        header: t("column.favourite"),
        kind: "text",
        width: 44,
        grow: 0,
        priority: 1,
        value: (row) => (favourites.has(row.symbol) ? t("yes") : ""),
        cell: (row) => <StarButton symbol={row.symbol} />,
      },
      { id: "symbol", header: t("column.symbol"), kind: "text", width: 168, priority: 1, value: (row) => row.symbol },
      {
        id: "type",
        header: t("column.type"),
        kind: "text",
        width: 80,
        priority: 1,
        value: (row) => row.type,
        cell: (row) => <TypeCell row={row} />,
      },
      {
        id: "active",
        header: t("column.active"),
        kind: "text",
        width: 88,
        value: (row) => (row.active === null ? null : t(row.active ? "active.yes" : "active.no")),
        cell: (row) => <ActiveCell row={row} />,
      },
      { id: "base", header: t("column.base"), kind: "text", width: 68, priority: 4, value: (row) => row.base },
      { id: "quote", header: t("column.quote"), kind: "text", width: 68, priority: 4, value: (row) => row.quote },
      { id: "settle", header: t("column.settle"), kind: "text", width: 68, priority: 4, value: (row) => row.settle },
      decimal("priceStep", t("column.priceStep"), (row) => row.priceStep),
      decimal("qtyStep", t("column.qtyStep"), (row) => row.qtyStep),
      decimal("minQty", t("column.minQty"), (row) => row.minQty, { priority: 3 }),
      decimal("minNotional", t("column.minNotional"), (row) => row.minNotional, { width: 96 }),
      decimal("maxQty", t("column.maxQty"), (row) => row.maxQty, { priority: 4 }),
      percent("maker"),
      percent("taker"),
      decimal("contractSize", t("column.contractSize"), (row) => row.contractSize, { priority: 3, width: 96 }),
      decimal("leverage", t("column.leverage"), (row) => row.maxLeverage, { priority: 3, width: 92 }),
    ];
  }, [t, number, favourites]);
}

function TypeCell({ row }: { row: MarketRow }) {
  return useTypeWord()(row.type);
}

export function ActiveCell({ row }: { row: MarketRow }) {
  const { t } = useTranslation("symbols");
  if (row.active === null) return NOTHING;
  return (
    <StatusPill tone={row.active ? "good" : "neutral"}>{t(row.active ? "active.yes" : "active.no")}</StatusPill>
  );
}
