import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLimitName } from "@/app/limitNames";
import { useAccountNames, useScope } from "@/app/scope";
import { useAlerts } from "@/features/alerts/reads";
import { useRefusals } from "@/features/dashboard/reads";
import { useReachedLimits } from "@/features/risk/ReachedLimits";
import { useRuleName } from "@/features/risk/ruleName";
import { EmptyState } from "@/kit/EmptyState";
import { ErrorState } from "@/kit/ErrorState";
import { Icon, type IconName } from "@/kit/Icon";
import { useFormats } from "@/lib/format";
import { useLiveEvents } from "@/live/hooks";

/** Price alerts are read from the worker of each account: so many are asked at once. */
const ACCOUNTS_MAX = 20;
/** Each read is a command for the workers: what was read is used again so long. */
const KEPT_MS = 300_000;
const ROW = "grid grid-cols-[auto_1fr_auto] items-baseline gap-x-2 px-3 py-1.5 text-sm hover:bg-raise";

const TO_BREACHES = (before: object) => ({ ...before, tab: "breaches" });

interface RowProps {
  icon: IconName;
  tone: string;
  text: ReactNode;
  /** A time or a price. */
  value: string;
  note: string;
}

function Row({ icon, tone, text, value, note }: RowProps) {
  return (
    <>
      <span className={tone}>
        <Icon name={icon} />
      </span>
      <span className="min-w-0 break-words">{text}</span>
      <span className="num text-end">{value}</span>
      <span className="col-start-2 min-w-0 text-2xs break-words text-muted">{note}</span>
    </>
  );
}

/** What asks for attention: limits that are reached, orders that were refused today, price alerts that wait. */
export function AlertsPanel() {
  const { t } = useTranslation("dashboard");
  const { accounts, parameter } = useScope();
  const { number, time } = useFormats();
  const account = useAccountNames();
  const limitName = useLimitName();
  const rule = useRuleName();
  const reached = useReachedLimits(accounts);
  const refusals = useRefusals(parameter);
  // Alerts belong to the whole account: a key that is restricted to strategies reads none.
  const alerted = accounts.filter((one) => !one.restrict_to_strategies).map((one) => one.account_id);
  const prices = useAlerts(alerted.slice(0, ACCOUNTS_MAX), KEPT_MS);
  useLiveEvents(["price_alert"], () => void prices.refetch());
  useLiveEvents(["order_risk_blocked"], () => void refusals.refetch());
  const error = refusals.error ?? prices.error;
  const refused = refusals.data ?? [];
  const waiting = prices.data ?? [];
  const isEmpty = reached.length + refused.length + waiting.length === 0;
  return (
    <>
      {error !== null && <ErrorState error={error} compact onRetry={() => void Promise.all([refusals.refetch(), prices.refetch()])} />}
      {isEmpty && error === null && !refusals.isLoading && !prices.isLoading && <EmptyState title={t("alerts.empty")}>{t("alerts.emptyHint")}</EmptyState>}
      <ul className="flex flex-col overflow-auto">
        {reached.map((one) => (
          <li key={`${one.accountId}:${one.scope}:${one.scope_id}:${one.key}`} className="border-b border-line">
            <Link to="/risk" search={TO_BREACHES as never} className={ROW}>
              <Row icon="warn" tone="text-down" text={t("alerts.reached", { limit: limitName(one.key) })} value="" note={`${account(one.accountId).label} · ${time(one.tripped_at)}`} />
            </Link>
          </li>
        ))}
        {refused.map((order) => (
          <li key={order.id} className="border-b border-line">
            <Link to="/risk" search={TO_BREACHES as never} className={ROW}>
              <Row
                icon="lock"
                tone="text-warn"
                text={t("alerts.refused", { symbol: order.symbol, reason: rule(order) })}
                value=""
                note={`${account(order.account_id).label} · ${time(order.updated_at)}`}
              />
            </Link>
          </li>
        ))}
        {waiting.map((alert) => (
          <li key={`${alert.account_id}:${alert.id}`} className="border-b border-line">
            <Link to="/alerts" search={true} className={ROW}>
              <Row
                icon="clock"
                tone="text-muted"
                text={`${alert.symbol} ${t(`conditions.${alert.condition}`, { ns: "alerts" })}`}
                value={number(alert.price)}
                note={[account(alert.account_id).label, alert.note].filter(Boolean).join(" · ")}
              />
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}
