import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import { useAccountNames, useScope } from "@/app/scope";
import { Button } from "@/kit/Button";
import { EmptyState } from "@/kit/EmptyState";
import { EnvBadge } from "@/kit/EnvBadge";
import { ErrorState } from "@/kit/ErrorState";
import { StatusPill, type PillTone } from "@/kit/StatusPill";
import { NOTHING, useFormats } from "@/lib/format";
import { fmtDuration } from "@/lib/time";
import { useLiveEvents } from "@/live/hooks";

type Status = components["schemas"]["ReconcileStatus"];

const TONES: Record<Status["status"], PillTone> = { fresh: "good", stale: "warn", never: "neutral" };
const REFRESH_MS = 10_000;

interface Props {
  /** Starts a run of one account; absent: the user may not. */
  onRun: ((accountId: number) => void) | undefined;
  /** Drawn after the cards, with the accounts shown. */
  children: (ids: readonly number[]) => ReactNode;
}

/** A card for each account in view: last run, lag, open differences. */
export function ReconcileCards({ onRun, children }: Props) {
  const { t } = useTranslation("posttrade");
  const scope = useScope();
  const { data, error, refetch, isPending } = useQuery({
    queryKey: ["reconcile", "status"],
    queryFn: async () => (await call(api.GET("/oms/reconcile/status"))).items,
    refetchInterval: REFRESH_MS,
  });
  useLiveEvents(["discrepancy_opened", "discrepancy_closed"], () => void refetch());
  const shown = data?.filter((row) => scope.ids.includes(row.account_id)) ?? [];
  return (
    <div className="flex flex-wrap gap-2 p-2">
      {error !== null && <ErrorState error={error} compact onRetry={() => void refetch()} />}
      {!isPending && error === null && shown.length === 0 && <EmptyState title={t("noAccount")} />}
      {shown.map((row) => (
        <Card key={row.account_id} row={row} onRun={onRun} />
      ))}
      {children(shown.map((row) => row.account_id))}
    </div>
  );
}

function Card({ row, onRun }: { row: Status; onRun: Props["onRun"] }) {
  const { t } = useTranslation("posttrade");
  const { time } = useFormats();
  const account = useAccountNames()(row.account_id);
  const facts: [string, ReactNode][] = [
    [t("card.last"), time(row.updated_at)],
    [t("card.lag"), row.lag_ms === null ? NOTHING : fmtDuration(row.lag_ms)],
    [t("card.differences"), <span key="differences" className={row.discrepancies > 0 ? "font-semibold text-warn" : ""}>{row.discrepancies}</span>],
    ...(row.history_unreachable === null
      ? []
      : ([[t("card.unreachable"), time(row.history_unreachable)]] as [string, ReactNode][])),
  ];
  return (
    <section
      aria-label={account.label}
      className="flex w-72 flex-col gap-1.5 rounded border border-line bg-panel p-3 text-sm max-sm:w-full"
    >
      <header className="flex items-center justify-between gap-2">
        <h2 className="truncate font-semibold">{account.label}</h2>
        <EnvBadge environment={account.environment} />
      </header>
      <StatusPill tone={TONES[row.status]}>{t(`card.${row.status}`)}</StatusPill>
      {row.degraded !== null && <p className="text-xs text-warn">{row.degraded}</p>}
      <dl className="num grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 text-xs">
        {facts.map(([label, value]) => (
          <div key={label} className="contents">
            <dt className="text-muted">{label}</dt>
            <dd className="text-end">{value}</dd>
          </div>
        ))}
      </dl>
      {onRun !== undefined && (
        <Button className="self-start" onClick={() => onRun(row.account_id)}>
          {t("run.now")}
        </Button>
      )}
    </section>
  );
}
