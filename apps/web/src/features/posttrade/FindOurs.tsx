import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import type { Order, Page } from "@/api/types";
import { OrderDrawer } from "@/features/orders/OrderDrawer";
import type { RawRow } from "@/features/posttrade/rawRows";
import { Button } from "@/kit/Button";
import { ErrorState } from "@/kit/ErrorState";
import { Icon } from "@/kit/Icon";

const PAGE_SIZE = 500;
/** No more pages than this are read: the order is then not found. */
const PAGES_MAX = 20;
const DAYS_BEFORE = 7;

/** Our order with the id of a raw row: the API has no filter by it, so the rows of the days around are read. */
async function findOrder(row: RawRow): Promise<Order | null> {
  const since = new Date(new Date(row.observed_at).getTime() - DAYS_BEFORE * 86_400_000).toISOString();
  let cursor: string | null = "";
  for (let page = 0; page < PAGES_MAX && cursor !== null; page += 1) {
    const query = {
      account_ids: String(row.account_id),
      ...(row.symbol === null ? {} : { symbol: row.symbol }),
      since,
      cursor,
      sort: "asc" as const,
      page_size: PAGE_SIZE,
      with_total: false,
    };
    // oxlint-disable-next-line no-await-in-loop -- each page names the next
    const answer = (await call(api.GET("/oms/orders/history", { params: { query } }))) as Page<Order>;
    const found = answer.items.find((order) => order.exchange_order_id === row.exchange_order_id);
    if (found !== undefined) return found;
    cursor = answer.next_cursor;
  }
  return null;
}

/** A button that shows our order of a raw row. */
export function FindOurs({ row }: { row: RawRow }) {
  const { t } = useTranslation("raw");
  const [asked, setAsked] = useState(false);
  const [open, setOpen] = useState(false);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ["raw", "ours", row.account_id, row.exchange_order_id],
    queryFn: () => findOrder(row),
    enabled: asked,
  });
  if (row.exchange_order_id === null) return null;
  return (
    <div className="flex flex-col gap-2">
      <Button
        className="self-start"
        icon={<Icon name="search" />}
        busy={isFetching}
        onClick={() => {
          setAsked(true);
          setOpen(true);
        }}
      >
        {t("ours.find")}
      </Button>
      {error !== null && <ErrorState error={error} compact onRetry={() => void refetch()} />}
      {data === null && <p className="text-sm text-muted">{t("ours.none")}</p>}
      {open && data !== null && data !== undefined && <OrderDrawer order={data} onClose={() => setOpen(false)} />}
    </div>
  );
}
