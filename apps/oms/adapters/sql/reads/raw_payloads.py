"""Reads of stored raw exchange payloads."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.reads.page_query import HistoryTable, page_query, window_conditions
from oms.adapters.sql.rows import raw
from oms.ports.history_reads import HistoryQuery, Page
from oms.ports.raw_payloads import RawOrder, RawTrade

_ORDERS = HistoryTable(table="ccxt_orders_raw", columns=raw.ORDER_COLUMNS, moment="observed_at")
_TRADES = HistoryTable(table="ccxt_trades_raw", columns=raw.TRADE_COLUMNS, moment="observed_at")

RawPayloadT = TypeVar("RawPayloadT", RawOrder, RawTrade)


class SqlRawPayloads:
    """``ports.raw_payload_reads.RawPayloadReads``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def orders(self, window: HistoryQuery) -> Page[RawOrder]:
        """Return a page of order versions. Raises ``Unavailable``."""
        return await self._page(_ORDERS, window, raw.raw_order_from_row)

    async def trades(self, window: HistoryQuery) -> Page[RawTrade]:
        """Return a page of executions. Raises ``Unavailable``."""
        return await self._page(_TRADES, window, raw.raw_trade_from_row)

    async def stored_fingerprints(
        self, account_id: int, fingerprints: Collection[str]
    ) -> frozenset[str]:
        """Return the fingerprints that are stored. Raises ``Unavailable``."""
        if not fingerprints:
            return frozenset()
        params, names = self._dialect.params(len(fingerprints)), tuple(fingerprints)
        stored: set[str] = set()
        for kind in (_ORDERS, _TRADES):
            text = (
                f"SELECT fingerprint_hash FROM {kind.table}"
                f" WHERE account_id = {self._dialect.param} AND fingerprint_hash IN ({params})"
            )
            stored |= {row[0] for row in await self._database.fetch(text, (account_id, *names))}
        return frozenset(stored)

    async def stored_trades(
        self, account_id: int, names: Collection[str]
    ) -> frozenset[tuple[str, str]]:
        """Return (symbol, trade id) of the stored trades with these ids. Raises ``Unavailable``."""
        if not names:
            return frozenset()
        text = (
            "SELECT symbol, exchange_trade_id FROM"
            f" {self._dialect.with_index(_TRADES.table, f'ix_{_TRADES.table}_trade')}"
            f" WHERE account_id = {self._dialect.param}"
            f" AND exchange_trade_id IN ({self._dialect.params(len(names))})"
        )
        rows = await self._database.fetch(text, (account_id, *names))
        return frozenset((row[0], row[1]) for row in rows)

    async def _page(
        self,
        kind: HistoryTable,
        window: HistoryQuery,
        reader: Callable[[Any, Dialect], RawPayloadT],
    ) -> Page[RawPayloadT]:
        text, values = page_query(self._dialect, kind, window)
        rows = await self._database.fetch(text, values)
        total = None
        if window.with_total and window.after_id is None:
            where = window_conditions(self._dialect, kind, window)
            counting = f"SELECT COUNT(*) FROM {kind.table} WHERE {where.text}"
            total = int((await self._database.fetch(counting, where.values))[0][0])
        items = [reader(row, self._dialect) for row in rows[: window.page_size]]
        more = len(rows) > window.page_size
        return Page(items=items, total=total, next_after_id=items[-1].id if more else None)
