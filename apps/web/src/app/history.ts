/** Lists of the past, read page by page as they are scrolled. */
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useMemo } from "react";
import { call } from "@/api/client";
import type { Page } from "@/api/types";
import { useReadState } from "@/app/readState";
import type { GridState } from "@/kit/grid/types";
import { onEvents } from "@/live/live";

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
/** The key of every list of the past. */
export const HISTORY_QUERY = ["history"] as const;

/** Live events renew a list at most so often: each reads every page that is loaded. */
const RENEW_AT_MOST_EVERY_MS = 3000;

export interface PageAnswer<Row> {
  data?: Page<Row>;
  error?: unknown;
  response: Response;
}

export type ReadPage<Row> = (query: HistoryQuery) => Promise<PageAnswer<Row>>;

/** The next rows that the gateway cannot select by itself; pages without any are passed over. */
export async function readMatching<Row>(query: HistoryQuery, read: ReadPage<Row>, matches: (row: Row) => boolean): Promise<PageAnswer<Row>> {
  let { cursor } = query;
  for (;;) {
    const answer = await read({ ...query, cursor });
    if (answer.data === undefined) return answer;
    const items = answer.data.items.filter(matches);
    const next = answer.data.next_cursor;
    if (items.length > 0 || next === null) return { ...answer, data: { ...answer.data, items } };
    cursor = next;
  }
}

export interface HistoryOptions<Row> {
  /** Names the list; with the filters it is the key of the query. */
  name: string;
  accounts: string;
  /** First and last day, in `tz`. */
  period: { start: string; end: string; tz: string };
  /** Live events after which the list has other rows. */
  renewedBy?: readonly string[];
  /** Further filters, part of the key. */
  filters: Record<string, string | undefined>;
  read: ReadPage<Row>;
}

export interface History<Row> {
  rows: readonly Row[];
  state: GridState;
  /** Read the next page, if there is one. */
  more: (() => void) | undefined;
  /** No row follows those shown. */
  complete: boolean;
  refresh: () => void;
}

const NO_ROWS: readonly never[] = [];

export function useHistory<Row>(options: HistoryOptions<Row>): History<Row> {
  const { name, accounts, period, filters, read } = options;
  const stateOf = useReadState();
  useRenewal(name, options.renewedBy ?? []);
  const query = useInfiniteQuery({
    queryKey: [...HISTORY_QUERY, name, accounts, period.start, period.end, period.tz, filters],
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
  const { data, isFetchNextPageError, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query;
  const rows = useMemo(() => data?.pages.flatMap((page) => page.items) ?? NO_ROWS, [data]);
  return {
    rows,
    state: stateOf(query, accounts !== ""),
    more: hasNextPage && !isFetchingNextPage && !isFetchNextPageError ? () => void fetchNextPage() : undefined,
    complete: !hasNextPage,
    refresh: () => void refetch(),
  };
}

/** Read a list again some time after one of the events; a read that is under way is not broken off. */
function useRenewal(name: string, events: readonly string[]): void {
  const client = useQueryClient();
  const key = events.join(" ");
  const renew = useEffectEvent(
    () => void client.invalidateQueries({ queryKey: [...HISTORY_QUERY, name] }, { cancelRefetch: false }),
  );
  useEffect(() => {
    if (key === "") return undefined;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = null;
        renew();
      }, RENEW_AT_MOST_EVERY_MS);
    };
    const end = onEvents(key.split(" "), soon);
    return () => {
      end();
      if (timer !== null) clearTimeout(timer);
    };
  }, [key]);
}
