"""The reads of a store over the dictionaries of ``store_model``: histories, images, audits."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from kit.databases.store_model import StoreModel, StoreRows
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order, OrderState
from oms.ports.command_queue import CommandRow
from oms.ports.exchange import ExchangeStateRows
from oms.ports.history_reads import HistoryQuery, LedgerSnapshot, Page, Row
from oms.ports.leases import Lease
from oms.ports.ledger_store import EventRow

READ_CALL = "ccxt_call"
SINGLE = ("send_order", "close_position")


class ModelReads:
    """Every read is a walk over all rows."""

    def __init__(self, model: StoreModel) -> None:
        self._model = model

    @property
    def _books(self) -> StoreRows:
        return self._model.books

    # The ledger's own reads

    def load(
        self, lease: Lease
    ) -> tuple[int, int, Sequence[Order], Sequence[Position], ExchangeStateRows]:
        """Account id, head, open orders, open positions, memory. Raises ``LeaseLost``."""
        stream = self._model.require_token(lease)
        window = HistoryQuery(account_ids=(lease.account_id,))
        return (
            lease.account_id,
            stream.head,
            self.open_orders(window, 10**9),
            self.open_positions(window, 10**9),
            self.paper_exchange_state(lease.account_id),
        )

    def accounts_with_open_orders(self, account_ids: Collection[int]) -> Sequence[int]:
        """Accounts with open orders."""
        rows = self._books.orders.values()
        return sorted({o.account_id for o in rows if o.state.is_open} & set(account_ids))

    def accounts_with_positions(self, account_ids: Collection[int]) -> Sequence[int]:
        """Accounts with open positions."""
        rows = self._books.positions.values()
        return sorted({p.account_id for p in rows if p.is_open} & set(account_ids))

    def order(self, account_id: int, order_id: int) -> Order | None:
        """An order of that account."""
        found = self._books.orders.get(order_id)
        return found if found is not None and found.account_id == account_id else None

    def position(self, account_id: int, position_id: int) -> Position | None:
        """A position of that account."""
        found = self._books.positions.get(position_id)
        return found if found is not None and found.account_id == account_id else None

    def deals_of(
        self, account_id: int, symbol: str, trade_ids: Collection[str]
    ) -> Mapping[str, Sequence[Deal]]:
        """Booked deals by trade id, legs ascending."""
        found: dict[str, list[Deal]] = {}
        for deal in sorted(self._books.deals.values(), key=lambda deal: deal.leg):
            is_asked = (deal.account_id, deal.symbol) == (account_id, symbol)
            if is_asked and deal.exchange_trade_id in trade_ids:
                found.setdefault(deal.exchange_trade_id, []).append(deal)
        return found

    def orders_by_client_id(
        self, names: Collection[tuple[int, str]]
    ) -> Mapping[tuple[int, str], Order]:
        """Orders by account and client order id."""
        return {
            (order.account_id, order.client_order_id): order
            for order in self._books.orders.values()
            if order.client_order_id and (order.account_id, order.client_order_id) in names
        }

    # Histories

    def open_orders(self, window: HistoryQuery, limit: int) -> Sequence[Order]:
        """The newest that are not final, ascending."""
        found = [o for o in self._narrowed(self._books.orders, window) if o.state.is_open]
        return found[-limit:]

    def open_positions(self, window: HistoryQuery, limit: int) -> Sequence[Position]:
        """The newest that are open, ascending."""
        return [p for p in self._narrowed(self._books.positions, window) if p.is_open][-limit:]

    def orders(self, window: HistoryQuery) -> Page[Order]:
        """Orders of any state."""
        return _paged(self._narrowed(self._books.orders, window), window)

    def positions(self, window: HistoryQuery) -> Page[Position]:
        """Positions of any state."""
        return _paged(self._narrowed(self._books.positions, window), window)

    def deals(self, window: HistoryQuery) -> Page[Deal]:
        """Deals."""
        return _paged(self._narrowed(self._books.deals, window), window)

    def commands(self, window: HistoryQuery) -> Page[CommandRow]:
        """Commands."""
        return _paged(self._narrowed(self._books.commands, window), window)

    def by_id(self, rows: Mapping[int, Row], ids: Collection[int]) -> Sequence[Row]:
        """The rows that are there, ascending."""
        return [rows[each] for each in sorted(set(ids)) if each in rows]

    def deals_where(self, column: str, ids: Collection[int]) -> Sequence[Deal]:
        """Deals whose ``column`` is one of ``ids``, ascending."""
        rows = sorted(self._books.deals.values(), key=lambda deal: deal.id)
        return [deal for deal in rows if getattr(deal, column) in ids]

    def account_of(
        self, entity: Literal["order", "position"], ids: Collection[int]
    ) -> Mapping[int, tuple[int, int]]:
        """(account id, strategy id) by row id."""
        rows: Mapping[int, Order] | Mapping[int, Position] = (
            self._books.orders if entity == "order" else self._books.positions
        )
        known = [each for each in ids if each in rows]
        return {each: (rows[each].account_id, rows[each].strategy_id) for each in known}

    def snapshot(self, account_id: int, limit: int) -> LedgerSnapshot:
        """What is open now."""
        window = HistoryQuery(account_ids=(account_id,))
        return LedgerSnapshot(
            account_id=account_id,
            seq=self.heads([account_id]).get(account_id, 0),
            orders=self.open_orders(window, limit),
            positions=self.open_positions(window, limit),
        )

    # Events

    def heads(self, account_ids: Collection[int]) -> Mapping[int, int]:
        """The last number of each account."""
        streams = self._model.streams
        return {each: streams[each].head for each in account_ids if each in streams}

    def oldest(self, account_ids: Collection[int]) -> Mapping[int, int]:
        """The first number still kept."""
        found: dict[int, int] = {}
        for row in self._stream():
            if row.account_id in account_ids:
                found.setdefault(row.account_id, row.seq)
        return found

    def events(self, after: Mapping[int, int], limit: int) -> Sequence[EventRow]:
        """Rows that hold a later number, account by account."""
        rows = (r for r in self._stream() if r.account_id in after)
        return [row for row in rows if row.seq_to > after[row.account_id]][:limit]

    def locate_event(self, event_id: int) -> tuple[int, int] | None:
        """(account id, number) of an event that is kept."""
        for row in self._stream():
            number = row.seq + event_id - row.id
            if row.seq <= number <= row.seq_to:
                return row.account_id, number
        return None

    def _stream(self) -> Sequence[EventRow]:
        return sorted(self._books.events.values(), key=lambda row: (row.account_id, row.seq))

    # Audits

    def several_orders(self, account_id: int) -> Sequence[int]:
        """Commands for a single order with more than one."""
        rows = [o for o in self._books.orders.values() if o.account_id == account_id]
        made = Counter(o.command_id for o in rows if o.command_id is not None)
        known = self._books.commands
        return sorted(
            each
            for each, count in made.items()
            if count > 1 and each in known and known[each].command_type in SINGLE
        )

    def paper_exchange_state(self, account_id: int) -> ExchangeStateRows:
        """The memory of the account's exchange."""
        return self._books.memories.get(account_id, ExchangeStateRows())

    def trimmed(self, before: datetime, *, events_too: bool, limit: int) -> int:
        """Forget finished read calls made before, and events where their time is behind, too."""
        calls = [
            row
            for row in self._books.commands.values()
            if row.command_type == READ_CALL and row.created_at < before and row.status.is_final
        ]
        gone = sorted(calls, key=lambda row: row.created_at)[:limit]
        for row in gone:
            del self._books.commands[row.id]
        count = len(gone)
        if events_too:
            count += len(self._books.events)
            self._books.events.clear()
        return count

    def _narrowed(self, rows: Mapping[int, Row], window: HistoryQuery) -> list[Row]:
        return [rows[each] for each in sorted(rows) if _is_in(rows[each], window)]


def _is_in(row: Order | Deal | Position | CommandRow, window: HistoryQuery) -> bool:
    moment = {Order: "updated_at", Position: "updated_at", Deal: "executed_at"}
    at: datetime = getattr(row, moment.get(type(row), "created_at"))
    if row.account_id not in window.account_ids:
        return False
    if window.since is not None and at < window.since:
        return False
    if window.until is not None and at >= window.until:
        return False
    if window.status is not None and not isinstance(row, Deal) and not _words(row) & window.status:
        return False
    return all(narrows(row, window) for narrows in _NARROWED[type(row)])


def _words(row: Order | Position | CommandRow) -> frozenset[str]:
    if isinstance(row, Order):
        shown = "CANCELED" if row.state is OrderState.EXPIRED else row.state.value
        return frozenset({row.state.value, shown})
    return frozenset({row.state.value if isinstance(row, Position) else row.status.value})


def _named(row: Any, window: HistoryQuery) -> bool:
    return (
        window.strategy_id in (None, row.strategy_id)
        and (window.strategies is None or row.strategy_id in window.strategies)
        and window.symbol in (None, row.symbol)
    )


def _reconciled(row: Any, window: HistoryQuery) -> bool:
    return window.reconciled in (None, row.reconciled)


def _of_order(row: Any, window: HistoryQuery) -> bool:
    return window.order_id in (None, row.order_id)


def _of_position(row: Any, window: HistoryQuery) -> bool:
    return window.position_id in (None, row.position_id)


_NARROWED: Mapping[type, Sequence[Callable[[Any, HistoryQuery], bool]]] = {
    Order: (_named, _reconciled, _of_position),
    Deal: (_named, _reconciled, _of_order, _of_position),
    Position: (_named,),
    CommandRow: (_of_order,),
}


def _paged(rows: Sequence[Row], window: HistoryQuery) -> Page[Row]:
    ordered = list(reversed(rows)) if window.descending else list(rows)
    total, start = len(ordered), 0
    if window.after_id is None:
        start = (window.page - 1) * window.page_size
    elif window.descending:
        ordered = [row for row in ordered if not window.after_id or row.id < window.after_id]
    else:
        ordered = [row for row in ordered if row.id > window.after_id]
    items = ordered[start : start + window.page_size]
    more = len(ordered) > start + window.page_size
    return Page(
        items=items,
        total=total if window.with_total and window.after_id is None else None,
        next_after_id=items[-1].id if more else None,
    )
