"""Lists of a symbol's orders and executions, read once for all who seek something in them.

Who asks while a list is being read waits for the next reading of it: what is found, or not, was
read after everybody who hears of it had asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.order_parser import OrderSnapshot, parse_order
from oms.adapters.ccxt.parsing.trade_parser import TradeSnapshot, parse_trades
from oms.adapters.ccxt.sync.paging import Row, fetch_all
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.value import value

_TRADES = "fetch_my_trades"
#: Who comes out of one list goes into the next: so they go together.
_GATHER_SECONDS = 0.01
Shown = TypeVar("Shown")


@value
class UnreadableRow:
    """A row that makes no sense, and why."""

    message: str
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class ListResult(Generic[Shown]):
    """What a list told, ``rows`` of it."""

    shown: list[Shown]
    unread: list[UnreadableRow]
    rows: int


class _Reading:
    """One reading, from the earliest moment (in ms) that anybody wishes."""

    def __init__(self) -> None:
        self.since: int | None = None
        self.told: ListResult[Any] | None = None
        self.failed: ReadFailed | None = None

    def extend_since(self, since: int | None) -> None:
        known = [each for each in (self.since, since) if each is not None]
        self.since = min(known, default=None)


class SharedListReader:
    """Reads whole lists of one account."""

    def __init__(self, client: ExchangeClient, venue: str, profile: VenueProfile) -> None:
        self._client = client
        self._venue = venue
        self._profile = profile
        #: The next reading of each list, as long as it has not begun.
        self._next: dict[Hashable, _Reading] = {}
        self._doors: dict[Hashable, asyncio.Lock] = {}

    async def orders(
        self,
        method: str,
        symbol: str,
        since: int | None,
        page: int | None,
        params: Mapping[str, object],
    ) -> ListResult[OrderSnapshot]:
        """The orders of one list. Raises ``ReadFailed``."""

        async def read(earliest: int | None) -> ListResult[OrderSnapshot]:
            return self.read(await self._rows(method, symbol, earliest, page, params))

        return await self._shared((method, symbol, repr(params)), since, read)

    async def trades(
        self, symbol: str, since: int | None, names: Mapping[str, object]
    ) -> ListResult[TradeSnapshot]:
        """The executions, oldest first. Raises ``ReadFailed``.

        ``names`` ask for one order's alone, which nobody shares.
        """

        async def read(earliest: int | None) -> ListResult[TradeSnapshot]:
            page, unread = self._profile.trades_page, list[UnreadableRow]()
            rows = await self._rows(_TRADES, symbol, earliest, page, names)

            def quarantine(message: str, row: Row) -> None:
                unread.append(UnreadableRow(message=message, row=row))

            shown = parse_trades(rows, self._venue, self._client.instruments, quarantine)
            return ListResult(shown=shown, unread=unread, rows=len(rows))

        return await (read(since) if names else self._shared((_TRADES, symbol), since, read))

    def read(self, rows: Sequence[Row]) -> ListResult[OrderSnapshot]:
        """The orders that ``rows`` show."""
        shown, unread = list[OrderSnapshot](), list[UnreadableRow]()
        for row in rows:
            try:
                order = parse_order(row, self._venue, self._client.instruments)
            except ReadFailed as wrong:
                unread.append(UnreadableRow(message=wrong.message, row=row))
                continue
            if order is not None:
                shown.append(order)
        return ListResult(shown=shown, unread=unread, rows=len(rows))

    async def _shared(
        self,
        key: Hashable,
        since: int | None,
        read: Callable[[int | None], Awaitable[ListResult[Shown]]],
    ) -> ListResult[Shown]:
        reading = self._next.setdefault(key, _Reading())
        reading.extend_since(since)
        async with self._doors.setdefault(key, asyncio.Lock()):
            if reading.told is None and reading.failed is None:
                await asyncio.sleep(_GATHER_SECONDS)
                if self._next.get(key) is reading:
                    del self._next[key]
                try:
                    reading.told = await read(reading.since)
                except ReadFailed as failed:
                    reading.failed = failed
        if reading.failed is not None:
            raise reading.failed
        assert reading.told is not None
        return reading.told

    async def _rows(
        self,
        method: str,
        symbol: str,
        since: int | None,
        page: int | None,
        params: Mapping[str, object],
    ) -> list[Row]:
        return await fetch_all(
            self._client,
            method,
            symbol,
            since,
            page,
            params,
            uses_cursor=self._profile.uses_cursor,
            newest_first=self._profile.newest_first,
            offset_param=self._profile.offset_param,
        )
