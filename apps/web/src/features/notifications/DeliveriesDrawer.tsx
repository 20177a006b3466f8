import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { redeliver, SINKS_QUERY, useDeliveries, type Delivery, type Sink } from "@/features/notifications/reads";
import { Button } from "@/kit/Button";
import { DetailDrawer } from "@/kit/DetailDrawer";
import { ErrorState } from "@/kit/ErrorState";
import { Spinner } from "@/kit/Spinner";
import { StatusPill } from "@/kit/StatusPill";
import { toastError } from "@/kit/toasts";
import { useFormats } from "@/lib/format";

const TONES = { queued: "active", delivered: "good", dead: "bad" } as const;

/** The newest messages of a sink, what became of them, and the way to send one again. */
export function DeliveriesDrawer({ sink, onClose }: { sink: Sink; onClose: () => void }) {
  const { t } = useTranslation("notifications");
  const { data, error, refetch } = useDeliveries(sink);
  return (
    <DetailDrawer open onClose={onClose} title={t("deliveries.title", { name: sink.name })}>
      {error !== null && <ErrorState error={error} compact onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Spinner />}
      {data?.length === 0 && <p className="text-sm text-muted">{t("deliveries.empty")}</p>}
      <ol className="num flex flex-col text-xs" aria-label={t("deliveries.action")}>
        {data?.map((one) => <Message key={one.id} delivery={one} />)}
      </ol>
    </DetailDrawer>
  );
}

function Message({ delivery }: { delivery: Delivery }) {
  const { t } = useTranslation("notifications");
  const client = useQueryClient();
  const { time } = useFormats();
  const account = useAccountNames()(delivery.account_id);
  const again = () =>
    void redeliver(delivery).then(() => client.invalidateQueries({ queryKey: SINKS_QUERY }), toastError);
  return (
    <li className="flex flex-col gap-0.5 border-t border-line py-1.5">
      <div className="flex items-center justify-between gap-2">
        <span className="font-semibold">{delivery.event}</span>
        <StatusPill tone={TONES[delivery.status]}>{t(`delivery.${delivery.status}`)}</StatusPill>
      </div>
      <div className="flex items-center justify-between gap-2 text-muted">
        <span>
          {time(delivery.created_at)} · {delivery.account_id === 0 ? t("all") : account.label} · {t("attempts", { count: delivery.attempts })}
        </span>
        {delivery.status !== "queued" && (
          <Button tone="quiet" onClick={again}>
            {t("deliveries.again")}
          </Button>
        )}
      </div>
      {delivery.last_error !== null && <span className="break-words text-down">{delivery.last_error}</span>}
    </li>
  );
}
