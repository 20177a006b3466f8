"""Reads of what exchanges told: ``ports.raw.RawRows``."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from oms.adapters.sql.database import Database
from oms.adapters.sql.dialect import Dialect
from oms.adapters.sql.pages import Kind, narrowed, page_text
from oms.adapters.sql.rows import raw
from oms.ports.history import Page, Window
from oms.ports.raw import RawOrder, RawTrade

_ORDERS = Kind(table="ccxt_orders_raw", columns=raw.ORDERS, moment="observed_at")
_TRADES = Kind(table="ccxt_trades_raw", columns=raw.TRADES, moment="observed_at")

Told = TypeVar("Told", RawOrder, RawTrade)


class SqlRaw:
    """Pages of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def orders(self, window: Window) -> Page[RawOrder]:
        """Versions of orders. Raises ``Unavailable``."""
        return await self._page(_ORDERS, window, raw.order_of)

    async def trades(self, window: Window) -> Page[RawTrade]:
        """Executions. Raises ``Unavailable``."""
        return await self._page(_TRADES, window, raw.trade_of)

    async def known(self, account_id: int, fingerprints: Collection[str]) -> frozenset[str]:
        """Which of the fingerprints are stored. Raises ``Unavailable``."""
        if not fingerprints:
            return frozenset()
        marks, names = self._dialect.marks(len(fingerprints)), tuple(fingerprints)
        found: set[str] = set()
        for kind in (_ORDERS, _TRADES):
            text = (
                f"SELECT fingerprint_hash FROM {kind.table}"
                f" WHERE account_id = {self._dialect.mark} AND fingerprint_hash IN ({marks})"
            )
            found |= {row[0] for row in await self._database.rows(text, (account_id, *names))}
        return frozenset(found)

    async def trades_called(
        self, account_id: int, names: Collection[str]
    ) -> frozenset[tuple[str, str]]:
        """Symbol and id of stored trades that have one of the ids. Raises ``Unavailable``."""
        if not names:
            return frozenset()
        text = (
            f"SELECT symbol, exchange_trade_id FROM {_TRADES.table}"
            f" WHERE account_id = {self._dialect.mark}"
            f" AND exchange_trade_id IN ({self._dialect.marks(len(names))})"
        )
        found = await self._database.rows(text, (account_id, *names))
        return frozenset((row[0], row[1]) for row in found)

    async def _page(
        self, kind: Kind, window: Window, reader: Callable[[Any, Dialect], Told]
    ) -> Page[Told]:
        text, values = page_text(self._dialect, kind, window)
        found = await self._database.rows(text, values)
        total = None
        if window.with_total and window.after_id is None:
            where = narrowed(self._dialect, kind, window)
            counting = f"SELECT COUNT(*) FROM {kind.table} WHERE {where.text}"
            total = int((await self._database.rows(counting, where.values))[0][0])
        items = [reader(row, self._dialect) for row in found[: window.page_size]]
        more = len(found) > window.page_size
        return Page(items=items, total=total, next_after_id=items[-1].id if more else None)
