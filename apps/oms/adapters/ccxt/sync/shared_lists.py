"""Lists of a symbol's orders and executions, read once for all that search them.

A caller that comes while a list is being read waits for the next read: every result was read after
all its callers had asked for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot, parse_order
from oms.adapters.ccxt.parsing.trade_snapshot import TradeSnapshot, parse_trades
from oms.adapters.ccxt.sync.paging import fetch_all
from oms.adapters.ccxt.sync.raw_row_buffer import Row
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.value import value

_TRADES = "fetch_my_trades"
#: Callers of one list often need the next one: this pause lets them share it.
_GATHER_SECONDS = 0.01
Item = TypeVar("Item")


@value
class UnreadableRow:
    """A malformed row and why."""

    message: str
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class ListResult(Generic[Item]):
    """The parsed items of a list of ``rows`` rows."""

    items: list[Item]
    unreadable: list[UnreadableRow]
    rows: int


class _PendingRead:
    """One read that has not started, since the earliest time (in ms) that a caller needs."""

    def __init__(self) -> None:
        self.since: int | None = None
        self.result: ListResult[Any] | None = None
        self.error: ReadFailed | None = None

    def extend_since(self, since: int | None) -> None:
        starts = [each for each in (self.since, since) if each is not None]
        self.since = min(starts, default=None)


class SharedListReader:
    """Reads whole lists of one account."""

    def __init__(
        self,
        client: ExchangeClient,
        venue: str,
        profile: VenueProfile,
        name_orders: Callable[[Sequence[OrderSnapshot]], list[OrderSnapshot]] = list,
    ) -> None:
        self._client = client
        #: Gives the orders of a list the client order ids that the venue does not return.
        self._name_orders = name_orders
        self._venue = venue
        self._profile = profile
        #: The next read of each list, until it starts.
        self._pending: dict[Hashable, _PendingRead] = {}
        self._locks: dict[Hashable, asyncio.Lock] = {}

    async def orders(
        self,
        method: str,
        symbol: str,
        since: int | None,
        page: int | None,
        params: Mapping[str, object],
    ) -> ListResult[OrderSnapshot]:
        """Returns the orders of one list. Raises ``ReadFailed``."""

        async def read(earliest: int | None) -> ListResult[OrderSnapshot]:
            return self.read(await self._rows(method, symbol, earliest, page, params))

        return await self._read_shared((method, symbol, repr(params)), since, read)

    async def trades(
        self, symbol: str, since: int | None, names: Mapping[str, object]
    ) -> ListResult[TradeSnapshot]:
        """Returns the executions, oldest first. Raises ``ReadFailed``.

        ``names`` filter by one order; such a list is not shared.
        """

        async def read(earliest: int | None) -> ListResult[TradeSnapshot]:
            page, unreadable = self._profile.trades_page, list[UnreadableRow]()
            rows = await self._rows(_TRADES, symbol, earliest, page, names)

            def quarantine(message: str, row: Row) -> None:
                unreadable.append(UnreadableRow(message=message, row=row))

            items = parse_trades(rows, self._venue, self._client.instruments, quarantine)
            return ListResult(items=items, unreadable=unreadable, rows=len(rows))

        return await (read(since) if names else self._read_shared((_TRADES, symbol), since, read))

    def read(self, rows: Sequence[Row]) -> ListResult[OrderSnapshot]:
        """Returns the orders in ``rows``."""
        items, unreadable = list[OrderSnapshot](), list[UnreadableRow]()
        for row in rows:
            try:
                order = parse_order(row, self._venue, self._client.instruments)
            except ReadFailed as error:
                unreadable.append(UnreadableRow(message=error.message, row=row))
                continue
            if order is not None:
                items.append(order)
        return ListResult(items=self._name_orders(items), unreadable=unreadable, rows=len(rows))

    async def _read_shared(
        self,
        key: Hashable,
        since: int | None,
        read: Callable[[int | None], Awaitable[ListResult[Item]]],
    ) -> ListResult[Item]:
        pending = self._pending.setdefault(key, _PendingRead())
        pending.extend_since(since)
        async with self._locks.setdefault(key, asyncio.Lock()):
            if pending.result is None and pending.error is None:
                await asyncio.sleep(_GATHER_SECONDS)
                if self._pending.get(key) is pending:
                    del self._pending[key]
                try:
                    pending.result = await read(pending.since)
                except ReadFailed as error:
                    pending.error = error
        if pending.error is not None:
            raise pending.error
        assert pending.result is not None
        return pending.result

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
            {**self._profile.list_params.get(method, {}), **params},
            uses_cursor=self._profile.uses_cursor,
            newest_first=self._profile.newest_first,
            offset_param=self._profile.offset_param,
        )
