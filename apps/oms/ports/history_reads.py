"""Reads for callers: rows as they stand, every one committed before the read began."""

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
    """Which rows of a history are asked for; absent bounds do not narrow."""

    account_ids: Sequence[int]
    #: ``None`` all, 0 unattributed only.
    strategy_id: int | None = None
    #: Narrow to these strategies (a key's allow-list).
    strategies: frozenset[int] | None = None
    symbol: str | None = None
    status: frozenset[str] | None = None
    reconciled: bool | None = None
    order_id: int | None = None
    position_id: int | None = None
    since: datetime | None = None
    #: Exclusive.
    until: datetime | None = None
    #: Offset paging (1-based) unless ``after_id`` is given: then keyset paging by id.
    page: int = 1
    page_size: int = 100
    after_id: int | None = None
    descending: bool = False
    with_total: bool = True
    #: Only these orders.
    order_ids: Sequence[int] | None = None
    #: Bounds are those of the creation of orders, not of their last change.
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


class HistoryReads(Protocol):
    """What the reads of the API need. Windows filter orders and positions on ``updated_at``,
    deals on ``executed_at``, commands on ``created_at``."""

    async def open_orders(self, window: HistoryQuery, limit: int) -> Sequence[Order]:
        """Orders not final, the newest ``limit``, ascending by id."""
        ...

    async def open_positions(self, window: HistoryQuery, limit: int) -> Sequence[Position]:
        """Positions still open, the newest ``limit``, ascending by id."""
        ...

    async def orders(self, window: HistoryQuery) -> Page[Order]:
        """Orders of any state."""
        ...

    async def positions(self, window: HistoryQuery) -> Page[Position]:
        """Positions of any state."""
        ...

    async def deals(self, window: HistoryQuery) -> Page[Deal]:
        """Deals."""
        ...

    async def deals_of_orders(self, window: HistoryQuery) -> Page[Deal]:
        """Deals of the orders that ``window`` is about; page and sort are those of the deals."""
        ...

    async def commands(self, window: HistoryQuery) -> Page[CommandRow]:
        """Commands."""
        ...

    async def orders_by_id(self, ids: Sequence[int]) -> Sequence[Order]:
        """Orders by id, ascending; unknown ids are left out."""
        ...

    async def positions_by_id(self, ids: Sequence[int]) -> Sequence[Position]:
        """Positions by id, ascending; unknown ids are left out."""
        ...

    async def deals_by_id(self, ids: Sequence[int]) -> Sequence[Deal]:
        """Deals by id, ascending; unknown ids are left out."""
        ...

    async def deals_by_order(self, order_ids: Sequence[int]) -> Sequence[Deal]:
        """Deals of the orders, ascending."""
        ...

    async def account_of(
        self, entity: Literal["order", "position"], ids: Sequence[int]
    ) -> Mapping[int, tuple[int, int]]:
        """(account id, strategy id) by row id; unknown ids are left out."""
        ...

    async def snapshot(self, account_id: int, limit: int) -> LedgerSnapshot:
        """Open orders and positions and the head they belong to, in one consistent read."""
        ...

    async def heads(self, account_ids: Sequence[int]) -> Mapping[int, int]:
        """The last event number of each account."""
        ...

    async def oldest(self, account_ids: Sequence[int]) -> Mapping[int, int]:
        """The first event number still kept of each account; accounts without any left out."""
        ...

    async def events(self, after: Mapping[int, int], limit: int) -> Sequence[StoredEventRow]:
        """Rows with ``seq_to`` greater than the account's number, ascending per account."""
        ...

    async def locate_event(self, event_id: int) -> tuple[int, int, datetime] | None:
        """(account id, number, time) of an event that is still kept."""
        ...

    async def event_seqs_before(
        self, account_ids: Sequence[int], moment: datetime
    ) -> Mapping[int, int]:
        """The last number of each account written before ``moment``; 0 where none is kept."""
        ...
