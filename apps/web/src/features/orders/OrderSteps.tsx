import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";
import type { Deal, Order } from "@/api/types";
import { useCodeWord } from "@/app/codes";
import { Facts } from "@/kit/DetailDrawer";
import { ErrorState } from "@/kit/ErrorState";
import { SideText } from "@/kit/SideText";
import { sign } from "@/lib/decimal";
import { NOTHING, useFormats } from "@/lib/format";
import { placesOf, profitCurrency } from "@/lib/symbol";

type Summary = components["schemas"]["TimelineSummary"];

/** What happened to an order step by step, how long it took and what it cost against the market. */
export function OrderTimeline({ order }: { order: Order }) {
  const { t } = useTranslation("orders");
  const phase = useCodeWord("phase");
  const source = useCodeWord("source");
  const { number, time } = useFormats();
  const { data, error, refetch } = useQuery({
    queryKey: ["orders", "timeline", order.id, order.version],
    queryFn: () => call(api.GET("/oms/orders/{order_id}/timeline", { params: { path: { order_id: order.id } } })),
  });
  return (
    <section className="flex flex-col gap-1">
      <h3 className="text-xs text-muted">{t("drawer.timeline")}</h3>
      {error !== null && <ErrorState error={error} compact onRetry={() => void refetch()} />}
      <ol className="num flex flex-col text-xs">
        {data?.items.map((step) => (
          <li key={step.seq} className="flex justify-between gap-2 border-t border-line py-1">
            <span className="text-muted">{time(step.at)}</span>
            <span>{phase(step.phase)}</span>
            <span className="text-muted">{source(step.source)}</span>
            <span className="min-w-14 text-end">{step.filled_qty === null ? "" : number(step.filled_qty)}</span>
          </li>
        ))}
      </ol>
      {data !== undefined && <Quality summary={data.summary} currency={profitCurrency(order.symbol)} />}
    </section>
  );
}

/** The quality of the execution; what was not measured is left out. */
function Quality({ summary, currency }: { summary: Summary; currency: string }) {
  const { t } = useTranslation("orders");
  const { number } = useFormats();
  const ms = (value: number | null) => (value === null ? null : `${number(String(Math.round(value)))} ms`);
  const { slippage, slippage_bps: bps } = summary;
  const cost = slippage === null ? "" : ` (${number(slippage, { places: placesOf(currency), plus: true })} ${currency})`;
  const known: (readonly [string, string | null])[] = [
    [t("quality.queue"), ms(summary.queue_ms)],
    [t("quality.send"), ms(summary.send_ms)],
    [t("quality.exchange"), ms(summary.exchange_ms)],
    [t("quality.firstFill"), ms(summary.first_fill_ms)],
    [t("quality.arrival"), summary.arrival_price === null ? null : number(summary.arrival_price)],
    [t("quality.slippage"), bps === null ? null : `${number(bps, { places: 2, plus: true })} bps${cost}`],
  ];
  return <Facts facts={known.flatMap(([label, value]) => (value === null ? [] : [[label, value] as const]))} />;
}

/** The executions of an order. */
export function OrderDeals({ order }: { order: Order }) {
  const { t } = useTranslation("orders");
  const { number, time } = useFormats();
  const isFilled = sign(order.filled_qty) > 0;
  const { data, error, refetch } = useQuery({
    queryKey: ["deals", "order", order.id, order.version],
    queryFn: async (): Promise<Deal[]> => {
      const account = { account_ids: String(order.account_id), order_id: order.id };
      const query = { ...account, since: order.created_at, page_size: 500, with_total: false };
      return (await call(api.GET("/oms/deals", { params: { query } }))).items as Deal[];
    },
    enabled: isFilled,
  });
  if (!isFilled) return null;
  return (
    <section className="flex flex-col gap-1">
      <h3 className="text-xs text-muted">{t("drawer.deals")}</h3>
      {error !== null && <ErrorState error={error} compact onRetry={() => void refetch()} />}
      <ol className="num flex flex-col text-xs">
        {data?.map((deal) => (
          <li key={deal.id} className="flex justify-between gap-2 border-t border-line py-1">
            <span className="text-muted">{time(deal.executed_at)}</span>
            <SideText side={deal.side} />
            <span>
              {number(deal.qty)} @ {number(deal.price)}
            </span>
            <span className="text-muted">{deal.fee === null ? NOTHING : `${number(deal.fee)} ${deal.fee_currency ?? ""}`}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
