"""Read access to committed rows for API and CLI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar

from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.value import value
from oms.ports.command_queue import CommandRow
from oms.ports.ledger_store import EventRow

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """One page of a history; ``next_after_id`` is ``None`` at the end."""

    items: Sequence[Row]
    total: int | None
    next_after_id: int | None


@value
class HistoryQuery:
    """Filters and page of a history query; absent bounds do not filter."""

    account_ids: Sequence[int]
    #: ``None``: all; 0: without strategy.
    strategy_id: int | None = None
    #: Only these strategies (the allow-list of a key).
    strategies: frozenset[int] | None = None
    symbol: str | None = None
    status: frozenset[str] | None = None
    reconciled: bool | None = None
    order_id: int | None = None
    position_id: int | None = None
    since: datetime | None = None
    #: Exclusive.
    until: datetime | None = None
    #: Offset paging (1-based), or keyset paging by id if ``after_id`` is given.
    page: int = 1
    page_size: int = 100
    after_id: int | None = None
    descending: bool = False
    with_total: bool = True
    #: Only these orders.
    order_ids: Sequence[int] | None = None
    #: Only deals of this type.
    deal_type: str | None = None
    #: Of orders: by what reason, for which signal, source of signals or group they were sent;
    #: 0: for none.
    reason: str | None = None
    signal_id: int | None = None
    source_id: int | None = None
    group_id: int | None = None
    #: Time bounds apply to the creation of orders instead of their last change.
    by_creation: bool = False


@value
class LedgerSnapshot:
    """One consistent read of an account at ``seq``."""

    account_id: int
    seq: int
    orders: Sequence[Order]
    positions: Sequence[Position]


@value
class StoredEventRow:
    """Event rows with the time they were written."""

    row: EventRow
    created_at: datetime


@value
class FirstRequest:
    """When the first request of an order was sent, and answered."""

    sent_at: datetime | None
    answered_at: datetime | None


class HistoryReads(Protocol):
    """Reads of the API. Time bounds apply to ``updated_at`` of orders and positions,
    ``executed_at`` of deals, ``created_at`` of commands.
    """

    async def open_orders(self, window: HistoryQuery, limit: int) -> Sequence[Order]:
        """Return orders that are not final, the newest ``limit``, ascending by id."""
        ...

    async def open_positions(self, window: HistoryQuery, limit: int) -> Sequence[Position]:
        """Return open positions, the newest ``limit``, ascending by id."""
        ...

    async def orders(self, window: HistoryQuery) -> Page[Order]:
        """Return a page of orders in any state."""
        ...

    async def positions(self, window: HistoryQuery) -> Page[Position]:
        """Return a page of positions in any state."""
        ...

    async def deals(self, window: HistoryQuery) -> Page[Deal]:
        """Return a page of deals."""
        ...

    async def deals_of_orders(self, window: HistoryQuery) -> Page[Deal]:
        """Return deals of the orders that ``window`` selects; page and sort apply to the deals."""
        ...

    async def commands(self, window: HistoryQuery) -> Page[CommandRow]:
        """Return a page of commands."""
        ...

    async def orders_by_id(self, ids: Sequence[int]) -> Sequence[Order]:
        """Return orders by id, ascending; unknown ids are left out."""
        ...

    async def positions_by_id(self, ids: Sequence[int]) -> Sequence[Position]:
        """Return positions by id, ascending; unknown ids are left out."""
        ...

    async def deals_by_id(self, ids: Sequence[int]) -> Sequence[Deal]:
        """Return deals by id, ascending; unknown ids are left out."""
        ...

    async def deals_by_order(self, order_ids: Sequence[int]) -> Sequence[Deal]:
        """Return deals of the orders, ascending."""
        ...

    async def first_request(self, order_id: int) -> FirstRequest | None:
        """Return when an order was sent to its exchange; ``None`` if no request is stored."""
        ...

    async def linked_orders(self, order_ids: Sequence[int], limit: int) -> Sequence[Order]:
        """Return parents and children of the orders, and those of their groups, ascending by id.

        At most ``limit`` of each kind; the orders themselves are not left out.
        """
        ...

    async def account_of(
        self, entity: Literal["order", "position"], ids: Sequence[int]
    ) -> Mapping[int, tuple[int, int]]:
        """Return (account id, strategy id) by row id; unknown ids are left out."""
        ...

    async def snapshot(self, account_id: int, limit: int) -> LedgerSnapshot:
        """Return open orders and positions with their event sequence, in one consistent read."""
        ...

    async def heads(self, account_ids: Sequence[int]) -> Mapping[int, int]:
        """Return the last event sequence number of each account."""
        ...

    async def oldest(self, account_ids: Sequence[int]) -> Mapping[int, int]:
        """Return the first stored event sequence number of each account; accounts without are left
        out.
        """
        ...

    async def events(self, after: Mapping[int, int], limit: int) -> Sequence[StoredEventRow]:
        """Return rows with ``seq_to`` greater than the account's number, ascending per account."""
        ...

    async def locate_event(self, event_id: int) -> tuple[int, int, datetime] | None:
        """Return (account id, sequence number, time) of an event that is still stored."""
        ...

    async def event_seqs_before(
        self, account_ids: Sequence[int], moment: datetime
    ) -> Mapping[int, int]:
        """Return the last sequence number of each account written before ``moment``; 0 if none."""
        ...
