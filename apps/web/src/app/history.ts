/** Lists of the past, read page by page as they are scrolled. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { call } from "@/api/client";
import type { Page } from "@/api/types";
import type { GridState } from "@/kit/grid/types";

/** What every list of the past takes; the newest rows come first. */
export interface HistoryQuery {
  account_ids: string;
  start_date: string;
  end_date: string;
  tz: string;
  cursor: string;
  sort: "desc";
  page_size: number;
  with_total: boolean;
  symbol?: string;
}

const PAGE_SIZE = 200;

export interface HistoryOptions<Row> {
  /** Names the list; with the filters it is the key of the query. */
  name: string;
  accounts: string;
  /** First and last day, in `tz`. */
  period: { start: string; end: string; tz: string };
  /** Further filters, part of the key. */
  filters: Record<string, string | undefined>;
  read: (query: HistoryQuery) => Promise<{ data?: Page<Row>; error?: unknown; response: Response }>;
}

export interface History<Row> {
  rows: readonly Row[];
  state: GridState;
  /** Read the next page, if there is one. */
  more: (() => void) | undefined;
  /** Whether rows after those shown exist. */
  complete: boolean;
  refresh: () => void;
}

const NO_ROWS: readonly never[] = [];

export function useHistory<Row>(options: HistoryOptions<Row>): History<Row> {
  const { name, accounts, period, filters, read } = options;
  const query = useInfiniteQuery({
    queryKey: [name, accounts, period.start, period.end, period.tz, filters],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      call(
        read({
          account_ids: accounts,
          start_date: period.start,
          end_date: period.end,
          tz: period.tz,
          cursor: pageParam,
          sort: "desc",
          page_size: PAGE_SIZE,
          with_total: false,
        }),
      ),
    getNextPageParam: (last: Page<Row>) => last.next_cursor ?? undefined,
    enabled: accounts !== "",
  });
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query;
  const rows = useMemo(() => data?.pages.flatMap((page) => page.items) ?? NO_ROWS, [data]);
  return {
    rows,
    state: { loading: isPending && accounts !== "", error: rows.length === 0 ? error : null, onRetry: () => void refetch() },
    more: hasNextPage && !isFetchingNextPage ? () => void fetchNextPage() : undefined,
    complete: !hasNextPage,
    refresh: () => void refetch(),
  };
}
