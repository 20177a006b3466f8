"""Rows of ``marks``: prices of markets at exchanges."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.rows import positions
from oms.ports.performance.market_marks import HeldMarkets, MarketMark

_COLUMNS = ("source", "symbol", "bid", "ask", "last", "mark", "at")
_UPSERT = BulkInsert(
    table="marks", columns=_COLUMNS, key=("source", "symbol"), update_columns=_COLUMNS[2:]
)


class SqlMarketMarks:
    """``ports.performance.market_marks.MarketMarks``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def put(self, marks: Sequence[MarketMark]) -> None:
        """Store marks in place of those before, in one order: two workers may store the same."""
        dialect, encode = self._dialect, self._dialect.encode_optional_decimal
        rows = [
            (
                each.source,
                each.symbol,
                encode(each.bid),
                encode(each.ask),
                encode(each.last),
                encode(each.mark),
                dialect.encode_time(each.at),
            )
            for each in sorted(marks, key=lambda each: (each.source, each.symbol))
        ]

        async def work(session: Session) -> None:
            await _UPSERT(session, rows)

        if rows:
            await self._database.commit(work)

    async def read(
        self, symbols: Mapping[str, Collection[str]]
    ) -> Mapping[tuple[str, str], MarketMark]:
        """Return the marks by (source, symbol) for the given symbols by source."""
        if not symbols:
            return {}
        dialect, names = self._dialect, sorted(set[str]().union(*symbols.values()))
        text = (
            "SELECT source, symbol, bid, ask, last, mark, at FROM marks"
            f" WHERE source IN ({dialect.params(len(symbols))})"
            f" AND symbol IN ({dialect.params(len(names))})"
        )
        decode = dialect.decode_optional_decimal
        return {
            (row[0], row[1]): MarketMark(
                source=row[0],
                symbol=row[1],
                bid=decode(row[2]),
                ask=decode(row[3]),
                last=decode(row[4]),
                mark=decode(row[5]),
                at=dialect.decode_time(row[6]),
            )
            for row in await self._database.fetch(text, (*symbols, *names))
        }

    async def held(self, account_ids: Sequence[int]) -> Mapping[int, HeldMarkets]:
        """Return what accounts have, by id; accounts that have nothing are left out."""
        if not account_ids:
            return {}
        where = f"account_id IN ({self._dialect.params(len(account_ids))})"
        symbols, currencies = defaultdict[int, set[str]](set), defaultdict[int, set[str]](set)
        text = (
            f"SELECT DISTINCT account_id, symbol FROM oms_positions WHERE {where}"
            f" AND state IN ({positions.OPEN_STATES_SQL})"
        )
        for account_id, symbol in await self._database.fetch(text, account_ids):
            symbols[account_id].add(symbol)
        text = f"SELECT account_id, currency FROM balances WHERE {where} AND total <> 0"
        for account_id, currency in await self._database.fetch(text, account_ids):
            currencies[account_id].add(currency)
        return {
            key: HeldMarkets(symbols=frozenset(symbols[key]), currencies=frozenset(currencies[key]))
            for key in symbols.keys() | currencies.keys()
        }
