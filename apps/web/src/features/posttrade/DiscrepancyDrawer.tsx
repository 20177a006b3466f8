import { useTranslation } from "react-i18next";
import { useCodeWord } from "@/app/codes";
import { useAccountNames } from "@/app/scope";
import type { Discrepancy } from "@/features/posttrade/differences";
import { useDiscrepancyWords } from "@/features/posttrade/discrepancyColumns";
import { DetailDrawer, Facts } from "@/kit/DetailDrawer";
import { JsonView } from "@/kit/JsonView";
import { NOTHING, useFormats } from "@/lib/format";

/** Everything about one discrepancy, with the evidence as it was stored. */
export function DiscrepancyDrawer({ row, onClose }: { row: Discrepancy; onClose: () => void }) {
  const { t } = useTranslation("posttrade");
  const { time } = useFormats();
  const words = useDiscrepancyWords();
  const account = useAccountNames()(row.account_id);
  const policy = useCodeWord("policy");
  return (
    <DetailDrawer open onClose={onClose} title={t("inbox.one", { id: row.id })}>
      <Facts
        facts={[
          [t("column.account", { ns: "common" }), account.label],
          [t("column.class"), words.kind(row)],
          [t("column.symbol", { ns: "common" }), row.symbol ?? NOTHING],
          [t("column.ours"), words.ours(row)],
          [t("column.exchange"), words.exchange(row)],
          [t("column.fix"), words.fix(row)],
          [t("column.status"), words.status(row)],
          [t("column.policy"), policy(row.policy)],
          [t("column.firstSeen"), time(row.first_seen)],
          [t("column.lastSeen"), time(row.last_seen)],
          [t("column.decidedBy"), row.decided_by ?? NOTHING],
          [t("column.comment"), row.comment ?? NOTHING],
        ]}
      />
      <JsonView value={{ evidence: row.evidence, fix: row.fix }} />
    </DetailDrawer>
  );
}
