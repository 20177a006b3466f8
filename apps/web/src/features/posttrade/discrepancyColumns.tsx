import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useCodeWord } from "@/app/codes";
import { useAccountNames } from "@/app/scope";
import {
  CLASSES,
  fixOf,
  sidesOf,
  STATUSES,
  type Discrepancy,
  type DiscrepancyClass,
  type DiscrepancyStatus,
} from "@/features/posttrade/differences";
import { EnvBadge } from "@/kit/EnvBadge";
import type { Column } from "@/kit/grid/types";
import { NOTHING, useFormats } from "@/lib/format";

/** Words for the codes of a discrepancy; a code that is not known is shown as it is. */
export function useDiscrepancyWords() {
  const { t } = useTranslation("posttrade");
  return useMemo(
    () => ({
      kind: (row: Discrepancy): string =>
        CLASSES.includes(row.class as DiscrepancyClass) ? t(`class.${row.class as DiscrepancyClass}`) : row.class,
      status: (row: Discrepancy): string =>
        STATUSES.includes(row.status as DiscrepancyStatus) ? t(`status.${row.status as DiscrepancyStatus}`) : row.status,
      fix: (row: Discrepancy): string => {
        const fix = fixOf(row);
        if (fix === null) return t("fix.none");
        const word = fix.action === null ? fix.word : t(`fix.${fix.action}`);
        return fix.amount === null ? word : `${word} ${fix.amount}`;
      },
      ours: (row: Discrepancy): string => sidesOf(row).ours ?? NOTHING,
      exchange: (row: Discrepancy): string => sidesOf(row).exchange ?? NOTHING,
    }),
    [t],
  );
}

/** The columns of the inbox: ours, the exchange's, and what is proposed. */
export function useDiscrepancyColumns(): readonly Column<Discrepancy>[] {
  const { t } = useTranslation("posttrade");
  const { time } = useFormats();
  const account = useAccountNames();
  const words = useDiscrepancyWords();
  const policy = useCodeWord("policy");
  return useMemo((): Column<Discrepancy>[] => {
    const text = (
      id: string,
      header: string,
      value: (row: Discrepancy) => string | null,
      extra: Partial<Column<Discrepancy>> = {},
    ): Column<Discrepancy> => ({ id, header, kind: "text", width: 112, value, ...extra });
    return [
      { id: "id", header: t("column.id", { ns: "common" }), kind: "id", width: 60, grow: 0, priority: 3, value: (row) => row.id },
      text("account", t("column.account", { ns: "common" }), (row) => account(row.account_id).label, { width: 120 }),
      text("environment", t("column.environment", { ns: "common" }), (row) => account(row.account_id).environment, {
        width: 72,
        grow: 0,
        priority: 3,
        cell: (row) => <EnvBadge environment={account(row.account_id).environment} />,
      }),
      text("class", t("column.class"), words.kind, { width: 176, priority: 1 }),
      text("symbol", t("column.symbol", { ns: "common" }), (row) => row.symbol, { priority: 1 }),
      text("ours", t("column.ours"), words.ours, { width: 128 }),
      text("exchange", t("column.exchange"), words.exchange, { width: 128 }),
      text("fix", t("column.fix"), words.fix, { width: 184 }),
      text("status", t("column.status"), words.status, { width: 88, priority: 3 }),
      text("policy", t("column.policy"), (row) => policy(row.policy), { width: 112, priority: 4 }),
      text("lastSeen", t("column.lastSeen"), (row) => row.last_seen, {
        kind: "time",
        width: 142,
        grow: 0,
        priority: 3,
        cell: (row) => time(row.last_seen),
      }),
    ];
  }, [t, time, account, words, policy]);
}
