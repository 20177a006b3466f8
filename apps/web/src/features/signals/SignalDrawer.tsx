import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useAccountNames } from "@/app/scope";
import { useSignal, type Signal, type SignalDetail } from "@/features/signals/reads";
import { SignalStatus } from "@/features/signals/SignalStatus";
import { useSignalReason } from "@/features/signals/words";
import { DetailDrawer, Facts } from "@/kit/DetailDrawer";
import { ErrorState } from "@/kit/ErrorState";
import { JsonView } from "@/kit/JsonView";
import { NOTHING, useFormats } from "@/lib/format";

/** One signal: what was received, what became of it, and the orders, deals and positions that it led to. */
export function SignalDrawer({ signal, onClose }: { signal: Signal; onClose: () => void }) {
  const { t } = useTranslation("signals");
  const { number, time } = useFormats();
  const account = useAccountNames()(signal.account_id);
  const reason = useSignalReason();
  const read = useSignal(signal.id);
  const shown = read.data?.signal ?? signal;
  return (
    <DetailDrawer open onClose={onClose} title={t("drawer.title", { id: signal.id })}>
      <Facts
        facts={[
          [t("column.account", { ns: "common" }), account.label],
          [t("column.kind"), t(`kind.${shown.kind}`)],
          [t("column.symbol", { ns: "common" }), shown.symbol],
          [t("column.action"), t(`action.${shown.action}`)],
          [t("column.price"), number(shown.price)],
          [t("column.status"), <SignalStatus key="status" status={shown.status} />],
          [t("column.reason"), reason(shown) ?? NOTHING],
          [t("column.code"), shown.reason_code ?? NOTHING],
          [t("column.stopGain"), number(shown.stop_gain)],
          [t("column.stopLoss"), number(shown.stop_loss)],
          [t("column.repeats"), shown.duplicate_count],
          [t("column.received"), time(shown.received_at)],
          [t("column.finished"), time(shown.finished_at)],
        ]}
      />
      {read.error !== null && <ErrorState error={read.error} compact onRetry={() => void read.refetch()} />}
      {read.data !== undefined && <Lineage lineage={read.data.lineage} />}
      <section className="flex flex-col gap-1">
        <h3 className="text-xs text-muted">{t("drawer.raw")}</h3>
        <JsonView value={shown.raw} />
      </section>
    </DetailDrawer>
  );
}

function Lineage({ lineage }: { lineage: SignalDetail["lineage"] }) {
  const { t } = useTranslation("signals");
  const { number } = useFormats();
  const { commands, orders, deals, positions } = lineage;
  return (
    <section className="flex flex-col gap-1" aria-label={t("drawer.lineage")}>
      <h3 className="text-xs text-muted">{t("drawer.lineage")}</h3>
      <ol className="num flex flex-col text-xs">
        {commands.map((row) => (
          <Step key={`command-${row.command_id}`} name={t("step.command", { id: row.command_id })} text={row.status} />
        ))}
        {orders.map((row) => (
          <Step
            key={`order-${row.id}`}
            name={<Link to="/orders/history">{t("step.order", { id: row.id })}</Link>}
            text={`${row.side} ${number(row.qty)} · ${row.status}`}
          />
        ))}
        {deals.map((row) => (
          <Step
            key={`deal-${row.id}`}
            name={<Link to="/deals">{t("step.deal", { id: row.id })}</Link>}
            text={`${number(row.qty)} @ ${number(row.price)}`}
          />
        ))}
        {positions.map((row) => (
          <Step
            key={`position-${row.id}`}
            name={<Link to={row.state === "closed" ? "/positions/history" : "/positions"}>{t("step.position", { id: row.id })}</Link>}
            text={`${t(`position.${row.state}`)} · ${number(row.qty)}`}
          />
        ))}
      </ol>
      {orders.length === 0 && <p className="text-xs text-muted">{t("drawer.noOrders")}</p>}
    </section>
  );
}

function Step({ name, text }: { name: ReactNode; text: string }) {
  return (
    <li className="flex justify-between gap-2 border-t border-line py-1 [&_a]:text-accent [&_a]:underline">
      <span>{name}</span>
      <span className="text-end">{text}</span>
    </li>
  );
}
