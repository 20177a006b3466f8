import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useStrategies, useStrategyNames } from "@/api/strategies";
import { HISTORY_QUERY } from "@/app/history";
import { useAccountNames } from "@/app/scope";
import { reassign, shared, useMoved, type Moved, type ReassignItem, type Target } from "@/features/posttrade/reassign";
import { sizeOf } from "@/features/positions/figures";
import { Button } from "@/kit/Button";
import { Confirm } from "@/kit/Confirm";
import { Dialog } from "@/kit/Dialog";
import { ErrorState } from "@/kit/ErrorState";
import { useErrorText } from "@/kit/errorText";
import { Select } from "@/kit/Select";
import { SideText } from "@/kit/SideText";
import { StatusPill } from "@/kit/StatusPill";
import type { Decimal } from "@/lib/decimal";
import { NOTHING, useFormats } from "@/lib/format";
import { useLiveRows } from "@/live/hooks";
import { openPositions } from "@/live/live";

interface Props {
  orderIds: readonly number[];
  onClose: () => void;
}

/** Move orders with their deals and positions to a strategy; shows what moves, and what became of it. */
export function ReassignDialog({ orderIds: asked, onClose }: Props) {
  const { t } = useTranslation("reassign");
  const client = useQueryClient();
  const account = useAccountNames();
  const strategy = useStrategyNames();
  const [orderIds] = useState(asked);
  const moved = useMoved(orderIds);
  const [chosen, setChosen] = useState<Target>({ strategyId: 0, positionId: 0 });
  const [outcomes, setOutcomes] = useState<readonly Moved[] | null>(null);
  const items = moved.data?.items ?? [];
  const orders = items.filter((item) => item.kind === "order");
  const accounts = [...new Set(orders.map((order) => order.account_id))];

  if (outcomes !== null) {
    return (
      <Dialog
        open
        onClose={onClose}
        title={t("results")}
        footer={<Button onClick={onClose}>{t("action.close", { ns: "common" })}</Button>}
      >
        <ul aria-label={t("results")} className="num text-sm">
          {outcomes.map((outcome, index) => (
            <OutcomeLine key={outcome.accountId ?? index} outcome={outcome} strategy={strategy(chosen.strategyId)} />
          ))}
        </ul>
      </Dialog>
    );
  }
  return (
    <Confirm
      open
      onClose={onClose}
      staysOpen
      size="wide"
      tier={3}
      title={t("title", { count: orderIds.length })}
      effect={t("effect")}
      action={t("action")}
      environment={accounts.map((id) => account(id).environment).find((one) => one === "live") ?? undefined}
      disabled={chosen.strategyId === 0 || moved.data === undefined}
      onConfirm={async (comment) => {
        try {
          setOutcomes(await reassign(orderIds, chosen, comment));
        } finally {
          for (const queryKey of [["reassign"], HISTORY_QUERY]) void client.invalidateQueries({ queryKey });
        }
      }}
    >
      {moved.error !== null && <ErrorState error={moved.error} compact onRetry={() => void moved.refetch()} />}
      {moved.data !== undefined && (
        <>
          <TargetFields orders={orders} accounts={accounts} target={chosen} onChange={setChosen} />
          <Preview items={items} target={chosen} />
          {items.length < moved.data.orders_total + moved.data.deals_total && (
            <p className="text-xs text-muted">{t("more")}</p>
          )}
        </>
      )}
    </Confirm>
  );
}

interface TargetProps {
  orders: readonly ReassignItem[];
  accounts: readonly number[];
  target: Target;
  onChange: (target: Target) => void;
}

function TargetFields({ orders, accounts, target, onChange }: TargetProps) {
  const { t } = useTranslation("reassign");
  const { number } = useFormats();
  const strategies = (useStrategies().data ?? []).filter(
    (one) => one.status === "active" && accounts.every((id) => one.account_ids.includes(id)),
  );
  const account = shared(orders, (order) => order.account_id);
  const symbol = shared(orders, (order) => order.symbol);
  const side = shared(orders, (order) => order.side);
  const positions = useLiveRows(openPositions).filter(
    (row) => row.account_id === account && row.symbol === symbol && row.side === side,
  );
  if (strategies.length === 0) return <p className="text-sm text-warn">{t("noStrategy")}</p>;
  return (
    <div className="grid gap-2 sm:grid-cols-2">
      <Select
        label={t("strategy")}
        value={target.strategyId === 0 ? null : target.strategyId}
        onChange={(strategyId) => onChange({ ...target, strategyId })}
        options={strategies.map((one) => ({ value: one.strategy_id, label: one.name }))}
        placeholder={t("choose")}
      />
      <Select
        label={t("position")}
        value={target.positionId}
        onChange={(positionId) => onChange({ ...target, positionId })}
        disabled={positions.length === 0}
        options={[
          { value: 0, label: t("byMode") },
          ...positions.map((row) => ({ value: row.id, label: `${row.id}: ${number(sizeOf(row))} @ ${number(row.avg_price)}` })),
        ]}
      />
    </div>
  );
}

function after(before: string, next: string | null): string {
  return next === null || next === before ? before : `${before} → ${next}`;
}

/** The price of an execution; an order that was not executed has none. */
function priceOf(item: ReassignItem): Decimal | null {
  return item.kind === "deal" ? item.price : item.avg_fill_price;
}

/** Each order and deal with its strategy and position before and after. */
function Preview({ items, target }: { items: readonly ReassignItem[]; target: Target }) {
  const { t } = useTranslation("reassign");
  const { number } = useFormats();
  const account = useAccountNames();
  const strategy = useStrategyNames();
  const name = (id: number) => strategy(id) || t("none");
  return (
    <div className="max-h-56 overflow-auto" tabIndex={0} role="region" aria-label={t("preview")}>
      <table className="num w-full text-xs">
        <thead className="text-muted">
          <tr>
            {(["what", "symbol", "qty", "strategy", "position"] as const).map((column) => (
              <th key={column} className="py-1 pe-3 text-start font-normal whitespace-nowrap">
                {t(`column.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={`${item.kind}${item.id}`} className="border-t border-line">
              <td className="py-1 pe-3 whitespace-nowrap" title={account(item.account_id).label}>
                {t(`kind.${item.kind}`, { id: item.id })}
              </td>
              <td className="py-1 pe-3 whitespace-nowrap">{item.symbol}</td>
              <td className="py-1 pe-3 whitespace-nowrap">
                <SideText side={item.side} /> {number(item.filled_qty ?? item.qty)}
                {priceOf(item) !== null && ` @ ${number(priceOf(item))}`}
              </td>
              <td className="py-1 pe-3 whitespace-nowrap">{after(name(item.strategy_id), target.strategyId === 0 ? null : name(target.strategyId))}</td>
              <td className="py-1 pe-3 whitespace-nowrap">
                {after(item.position_id === 0 ? NOTHING : String(item.position_id), target.positionId === 0 ? null : String(target.positionId))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const TONES = { done: "good", rejected: "bad", unknown: "warn" } as const;

function OutcomeLine({ outcome, strategy }: { outcome: Moved; strategy: string }) {
  const { t } = useTranslation("reassign");
  const text = useErrorText();
  const account = useAccountNames();
  const { accountId, state, orders, deals, error } = outcome;
  return (
    <li className="flex flex-col gap-0.5 border-t border-line py-1">
      <span className="flex justify-between gap-2">
        <span>{accountId === null ? strategy : account(accountId).label}</span>
        <StatusPill tone={TONES[state]}>{t(`outcome.${state}`, { ns: "posttrade" })}</StatusPill>
      </span>
      <span className="text-xs text-muted">
        {error === null ? t("moved", { orders, deals, strategy }) : text(error)}
      </span>
    </li>
  );
}
