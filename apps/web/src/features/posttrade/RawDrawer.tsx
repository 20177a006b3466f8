import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { FindOurs } from "@/features/posttrade/FindOurs";
import { differencesOf, versionBefore, type RawRow } from "@/features/posttrade/rawRows";
import { ChangeTable } from "@/kit/Confirm";
import { DetailDrawer, Facts } from "@/kit/DetailDrawer";
import { JsonView } from "@/kit/JsonView";
import { NOTHING, useFormats } from "@/lib/format";

interface Props {
  row: RawRow;
  /** The rows that are loaded, to find the version before. */
  rows: readonly RawRow[];
  onClose: () => void;
}

/** A raw row with its JSON, and what changed since the version before. */
export function RawDrawer({ row, rows, onClose }: Props) {
  const { t } = useTranslation("raw");
  const { time } = useFormats();
  const account = useAccountNames()(row.account_id);
  const before = versionBefore(rows, row);
  const changes = before === null ? [] : differencesOf(before.raw_json, row.raw_json);
  const isTrade = row.exchange_trade_id !== undefined;
  return (
    <DetailDrawer open onClose={onClose} title={t(isTrade ? "oneTrade" : "oneOrder", { id: row.id })}>
      <Facts
        facts={[
          [t("column.account", { ns: "common" }), account.label],
          [t("column.exchange"), row.exchange_id],
          [t("column.symbol", { ns: "common" }), row.symbol ?? NOTHING],
          [t("column.orderId"), row.exchange_order_id ?? NOTHING],
          isTrade
            ? [t("column.tradeId"), row.exchange_trade_id ?? NOTHING]
            : [t("column.clientId"), row.client_order_id ?? NOTHING],
          [t("column.observed"), time(row.observed_at)],
        ]}
      />
      <FindOurs row={row} />
      {before !== null && (
        <section className="flex flex-col gap-1 text-sm">
          <h3 className="font-semibold">{t("changed", { id: before.id, time: time(before.observed_at) })}</h3>
          <ChangeTable
            changes={changes.map((one) => ({ label: one.path, before: one.before ?? NOTHING, after: one.after ?? NOTHING }))}
          />
        </section>
      )}
      <JsonView value={row.raw_json} />
    </DetailDrawer>
  );
}
