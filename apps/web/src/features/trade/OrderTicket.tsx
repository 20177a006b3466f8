import { useState } from "react";
import { useTranslation } from "react-i18next";
import { submitCommand } from "@/commands/tracker";
import { usePreview } from "@/commands/usePreview";
import { useMarket, useQuote } from "@/features/trade/markets";
import { useEquityOf } from "@/features/trade/equity";
import { AdvancedFields } from "@/features/trade/AdvancedFields";
import { PreviewBox } from "@/features/trade/PreviewBox";
import { entryPrice, isLevelMissing, resolve } from "@/features/trade/sizing";
import { EMPTY_AMOUNTS, EMPTY_DRAFT, isComplete, needsPrice, payloadOf, type Draft, type Ticket } from "@/features/trade/ticket";
import type { TradeTarget } from "@/features/trade/target";
import { TicketFields } from "@/features/trade/TicketFields";
import { TicketTerms } from "@/features/trade/TicketTerms";
import { Button } from "@/kit/Button";
import { Checkbox } from "@/kit/Checkbox";
import { Combobox } from "@/kit/Combobox";
import { Confirm } from "@/kit/Confirm";
import { EnvBadge } from "@/kit/EnvBadge";
import { ErrorState } from "@/kit/ErrorState";
import { Select } from "@/kit/Select";
import { UnreadableFields, useUnreadable } from "@/kit/unreadable";
import { useFormats } from "@/lib/format";
import { setPreference, usePreference } from "@/lib/preferences";
import { isLayerOpen, useShortcut } from "@/lib/shortcuts";

/** Keys that choose side and type. */
function useTicketKeys(change: (part: Partial<Draft>) => void): void {
  useShortcut("b", () => change({ side: "buy" }));
  useShortcut("s", () => change({ side: "sell" }));
  useShortcut("m", () => change({ type: "market" }));
  useShortcut("l", () => change({ type: "limit" }));
  useShortcut("t", () => change({ type: "stop_market" }));
}

/** Makes an order: only the fields its type needs, what it would do, and a button that says it. */
export function OrderTicket({ target }: { target: TradeTarget }) {
  const { t } = useTranslation("trade");
  const { number } = useFormats();
  const [draft, setDraft] = useState<Draft>(EMPTY_DRAFT);
  const { account, accountId, symbol } = target;
  const market = useMarket(accountId, symbol);
  const quote = useQuote(accountId, symbol);
  const price = quote.isError ? undefined : quote.data;
  const equity = useEquityOf(draft.unit === "equity" ? accountId : null, symbol ?? "");
  const current = resolve(draft, { accountId, symbol }, { market: market.data, quote: price, equity });
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const [unreadable, report] = useUnreadable();
  // What is confirmed is what is sent: prices move meanwhile, and with them amounts in other units.
  const [confirming, setConfirming] = useState<Ticket | null>(null);
  const ticket = confirming ?? current;
  const complete = isComplete(ticket) && !isLevelMissing(draft, ticket) && !unreadable;
  const preview = usePreview(
    complete && accountId !== null ? { account_id: accountId, command: "send_order", payload: payloadOf(ticket) } : null,
  );
  const blocked = !preview.pending && preview.data?.status === "blocked";
  const oneClick = usePreference("oneClick");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const live = account?.environment === "live";
  useTicketKeys(change);

  const words = {
    side: t(`side.${ticket.side}`, { ns: "common" }),
    qty: ticket.qty === "" ? "" : number(ticket.qty),
    symbol: symbol ?? "",
    how:
      needsPrice(ticket.type) && ticket.price !== ""
        ? t("atPrice", { price: number(ticket.price) })
        : ticket.type === "market"
          ? t("atMarket")
          : t(`types.${ticket.type}`),
    account: account?.label ?? "",
  };
  const send = async () => {
    if (ticket.accountId === null) return;
    await submitCommand({
      account_id: ticket.accountId,
      command: "send_order",
      label: t("label", words),
      payload: payloadOf(ticket),
    });
    change({ ...EMPTY_AMOUNTS, comment: "", params: "" });
  };
  const submit = async () => {
    if (!complete || busy) return;
    if (live || !oneClick) return setConfirming(current);
    setBusy(true);
    setError(null);
    try {
      await send();
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };

  useShortcut("mod+Enter", () => void (isLayerOpen() || submit()), confirming === null);

  return (
    <form
      aria-label={t("title")}
      className="flex flex-col gap-2.5 p-3"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <div className="flex gap-2">
        <Select
          className="flex-1"
          label={t("account")}
          hint={account !== undefined && <EnvBadge environment={account.environment} />}
          value={accountId}
          onChange={(next) => {
            change({ strategyId: 0, positionId: 0 });
            target.chooseAccount(next);
          }}
          options={target.accounts.map((item) => ({ value: item.account_id, label: item.label }))}
          placeholder={t("noAccount")}
        />
        {target.strategies.length > 0 && (
          <Select
            className="flex-1"
            label={t("strategy")}
            value={ticket.strategyId}
            onChange={(strategyId) => change({ strategyId })}
            options={[
              { value: 0, label: t("noStrategy") },
              ...target.strategies.map((item) => ({ value: item.strategy_id, label: item.name })),
            ]}
          />
        )}
      </div>
      <Combobox
        label={t("symbol")}
        value={symbol}
        onChange={(next) => {
          if (next === null || next === symbol) return;
          change(EMPTY_AMOUNTS); // they are of the symbol before
          target.chooseSymbol(next);
        }}
        options={target.symbols.map((value) => ({ value, label: value }))}
      />
      <p className="num -mt-2 flex min-h-4 justify-between text-xs text-muted">
        <span>
          {t("bid")} {number(price?.bid ?? null)}
        </span>
        <span>
          {t("ask")} {number(price?.ask ?? null)}
        </span>
      </p>
      <UnreadableFields value={report}>
        <TicketFields
          draft={draft}
          ticket={ticket}
          onChange={change}
          market={market.data}
          entry={entryPrice(draft, price)}
          equity={equity}
        />
      </UnreadableFields>
      <AdvancedFields comment={draft.comment} params={draft.params} onChange={change} />
      <div className="sticky bottom-0 -mx-3 -mb-3 flex flex-col gap-2 border-t border-line bg-panel p-3">
        <PreviewBox complete={complete} {...preview} />
        {error !== null && <ErrorState error={error} compact />}
        <Button
          type="submit"
          tone={ticket.side === "buy" ? "up" : "down"}
          busy={busy}
          disabled={!complete || blocked}
          className="h-9! w-full"
        >
          <span className="truncate">{complete ? t("submit", words) : t("incomplete")}</span>
        </Button>
        {!live && (
          <Checkbox label={t("oneClick")} checked={oneClick} onChange={(on) => setPreference("oneClick", on)} />
        )}
      </div>
      <Confirm
        open={confirming !== null}
        onClose={() => setConfirming(null)}
        tier={2}
        danger={false}
        title={t("confirmTitle")}
        effect={t("effect", words)}
        action={t("send")}
        environment={account?.environment}
        onConfirm={send}
      >
        <TicketTerms ticket={ticket} strategies={target.strategies} />
      </Confirm>
    </form>
  );
}
