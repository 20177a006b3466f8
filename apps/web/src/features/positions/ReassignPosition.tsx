import { useTranslation } from "react-i18next";
import type { PositionDialogProps } from "@/features/positions/dialogs";
import { usePositionDeals } from "@/features/positions/PositionDrawer";
import { ReassignDialog } from "@/features/posttrade/ReassignDialog";
import { Dialog } from "@/kit/Dialog";
import { ErrorState } from "@/kit/ErrorState";
import { Spinner } from "@/kit/Spinner";

/** Move the orders whose deals made a position, and the position with them. */
export function ReassignPosition({ position, onClose }: PositionDialogProps) {
  const { t } = useTranslation("positions");
  const { data, error, refetch } = usePositionDeals(position);
  const orderIds = [...new Set((data ?? []).flatMap((deal) => deal.order_id ?? []))];
  if (data !== undefined && orderIds.length > 0) return <ReassignDialog orderIds={orderIds} onClose={onClose} />;
  return (
    <Dialog open onClose={onClose} title={t("menu.reassign")}>
      {error !== null ? (
        <ErrorState error={error} compact onRetry={() => void refetch()} />
      ) : data === undefined ? (
        <Spinner />
      ) : (
        <p className="text-sm">{t("noOrders")}</p>
      )}
    </Dialog>
  );
}
