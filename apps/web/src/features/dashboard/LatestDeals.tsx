import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import type { Deal } from "@/api/types";
import { useAccountNames } from "@/app/scope";
import { Read } from "@/features/dashboard/Read";
import { otherTypeOf } from "@/features/deals/types";
import { EmptyState } from "@/kit/EmptyState";
import { SideText } from "@/kit/SideText";
import { cx } from "@/lib/cx";
import { toneOf, useFormats } from "@/lib/format";
import { placesOf, profitCurrency } from "@/lib/symbol";
import { useLiveEvents } from "@/live/hooks";

const COUNT = 12;
const TEXT = { up: "text-up", down: "text-down" };

/** The newest executions of the accounts, renewed when one is added. */
export function LatestDeals({ accounts }: { accounts: string }) {
  const { t } = useTranslation("dashboard");
  const deals = useQuery({
    queryKey: ["latestDeals", accounts],
    queryFn: async () => {
      const query = { account_ids: accounts, sort: "desc", page_size: COUNT, with_total: false, cursor: "" } as const;
      // Without `dialect` the rows are those of the gateway.
      return (await call(api.GET("/oms/deals", { params: { query } }))).items as Deal[];
    },
    enabled: accounts !== "",
  });
  useLiveEvents(["deal_updated"], () => void deals.refetch());
  return (
    <Read query={deals}>
      {(rows) =>
        rows.length === 0 ? (
          <EmptyState title={t("deals.empty")} />
        ) : (
          <ol className="flex flex-col overflow-auto">
            {rows.map((deal) => (
              <LatestDeal key={deal.id} deal={deal} />
            ))}
          </ol>
        )
      }
    </Read>
  );
}

function LatestDeal({ deal }: { deal: Deal }) {
  const { t } = useTranslation("deals");
  const { number, time } = useFormats();
  const account = useAccountNames()(deal.account_id);
  const tone = toneOf(deal.pnl);
  const other = otherTypeOf(deal);
  return (
    <li className="border-b border-line">
      <Link to="/deals" search={true} className="num grid grid-cols-[1fr_auto] gap-x-3 px-3 py-1.5 text-sm hover:bg-raise">
        <span className="truncate">
          {other === null ? (
            <>
              <SideText side={deal.side} /> {number(deal.qty)} {deal.symbol} @ {number(deal.price)}
            </>
          ) : (
            <>
              {t(`type.${other}`)} {deal.symbol}
            </>
          )}
        </span>
        <span className={cx("text-end", tone !== undefined && TEXT[tone])}>{number(deal.pnl, { places: placesOf(profitCurrency(deal.symbol)), plus: true })}</span>
        <span className="truncate text-2xs text-muted">{account.label}</span>
        <span className="text-end text-2xs text-muted">{time(deal.executed_at)}</span>
      </Link>
    </li>
  );
}
