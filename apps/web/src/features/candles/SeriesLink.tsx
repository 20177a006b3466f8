import { Link } from "@tanstack/react-router";

interface Props {
  exchange: string;
  symbol: string;
  timeframe: string;
}

/** The symbol, as the way to its chart. */
export function SeriesLink({ exchange, symbol, timeframe }: Props) {
  return (
    <Link to="/chart" search={{ exchange, symbol, tf: timeframe } as never} className="underline">
      {symbol}
    </Link>
  );
}
