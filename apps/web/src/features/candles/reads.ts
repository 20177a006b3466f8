/** What is stored of series of candles, and what is missing. */
import { useQuery } from "@tanstack/react-query";
import { api, call } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type Stored = Schemas["StoredSeries"] & { id: number };
export type Gaps = Schemas["CandleGaps"];

/** From the first to the last moment of which something is stored, in epoch milliseconds. */
export type Span = readonly [first: number, last: number];

const REFRESH_MS = 60_000;
const INSTRUMENTS = 200;

/** All stored series. */
export function useCoverage() {
  return useQuery({
    queryKey: ["market", "coverage"],
    queryFn: async (): Promise<Stored[]> => {
      const rows: Schemas["StoredSeries"][] = [];
      let cursor = "";
      do {
        const query = { limit: INSTRUMENTS, ...(cursor === "" ? {} : { cursor }) };
        // oxlint-disable-next-line no-await-in-loop -- each page begins where the one before ended
        const page = await call(api.GET("/market/coverage", { params: { query } }));
        rows.push(...page.items);
        cursor = page.next_cursor ?? "";
      } while (cursor !== "");
      return rows.map((row, index) => ({ ...row, id: index + 1 }));
    },
    refetchInterval: REFRESH_MS,
  });
}

/** The gaps of a series. */
export function useGaps({ exchange, symbol, timeframe }: Pick<Stored, "exchange" | "symbol" | "timeframe">) {
  return useQuery({
    queryKey: ["market", "gaps", exchange, symbol, timeframe],
    queryFn: () => call(api.GET("/market/gaps", { params: { query: { exchange, symbol, timeframe } } })),
    retry: false,
  });
}

/** A word of a shell: in quotes where it has more than letters, digits and signs that mean nothing there. */
function quoted(word: string): string {
  return /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** The command that fetches the missing candles of a series. */
export function fillCommand({ exchange, symbol, timeframe }: Pick<Stored, "exchange" | "symbol" | "timeframe">): string {
  return `oms candles gaps --fill --exchange ${quoted(exchange)} --symbol ${quoted(symbol)} --timeframe ${timeframe}`;
}
