"""The reads of a store over the rows of ``store_model``: histories, snapshots, audits."""

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
    """Every read scans all rows."""

    def __init__(self, model: StoreModel) -> None:
        self._model = model

    @property
    def _books(self) -> StoreRows:
        return self._model.books

    # Reads of the ledger port

    def load(
        self, lease: Lease
    ) -> tuple[int, int, Sequence[Order], Sequence[Position], ExchangeStateRows]:
        """Account id, head, open orders, open positions, exchange state. Raises ``LeaseLost``."""
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
        """The order of that account, or None."""
        result = self._books.orders.get(order_id)
        return result if result is not None and result.account_id == account_id else None

    def position(self, account_id: int, position_id: int) -> Position | None:
        """The position of that account, or None."""
        result = self._books.positions.get(position_id)
        return result if result is not None and result.account_id == account_id else None

    def deals_of(
        self, account_id: int, symbol: str, trade_ids: Collection[str]
    ) -> Mapping[str, Sequence[Deal]]:
        """Booked deals by trade id, legs ascending."""
        result: dict[str, list[Deal]] = {}
        for deal in sorted(self._books.deals.values(), key=lambda deal: deal.leg):
            is_requested = (deal.account_id, deal.symbol) == (account_id, symbol)
            if is_requested and deal.exchange_trade_id in trade_ids:
                result.setdefault(deal.exchange_trade_id, []).append(deal)
        return result

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
        """The newest ``limit`` open orders, ids ascending."""
        result = [o for o in self._filtered(self._books.orders, window) if o.state.is_open]
        return result[-limit:]

    def open_positions(self, window: HistoryQuery, limit: int) -> Sequence[Position]:
        """The newest ``limit`` open positions, ids ascending."""
        return [p for p in self._filtered(self._books.positions, window) if p.is_open][-limit:]

    def orders(self, window: HistoryQuery) -> Page[Order]:
        """A page of orders in any state."""
        return _paginate(self._filtered(self._books.orders, window), window)

    def positions(self, window: HistoryQuery) -> Page[Position]:
        """A page of positions in any state."""
        return _paginate(self._filtered(self._books.positions, window), window)

    def deals(self, window: HistoryQuery) -> Page[Deal]:
        """A page of deals."""
        return _paginate(self._filtered(self._books.deals, window), window)

    def commands(self, window: HistoryQuery) -> Page[CommandRow]:
        """A page of commands; their strategy is that of their order."""
        found = self._filtered(self._books.commands, window)
        return _paginate([each for each in found if self._has_strategy(each, window)], window)

    def _has_strategy(self, command: CommandRow, window: HistoryQuery) -> bool:
        if window.strategy_id is None and window.strategies is None:
            return True
        order = self._books.orders.get(command.order_id or 0)
        return (
            order is not None
            and window.strategy_id in (None, order.strategy_id)
            and (window.strategies is None or order.strategy_id in window.strategies)
        )

    def by_id(self, rows: Mapping[int, Row], ids: Collection[int]) -> Sequence[Row]:
        """The existing rows, ids ascending."""
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
        known_ids = [each for each in ids if each in rows]
        return {each: (rows[each].account_id, rows[each].strategy_id) for each in known_ids}

    def snapshot(self, account_id: int, limit: int) -> LedgerSnapshot:
        """Open orders, open positions and the head sequence."""
        window = HistoryQuery(account_ids=(account_id,))
        return LedgerSnapshot(
            account_id=account_id,
            seq=self.heads([account_id]).get(account_id, 0),
            orders=self.open_orders(window, limit),
            positions=self.open_positions(window, limit),
        )

    # Events

    def heads(self, account_ids: Collection[int]) -> Mapping[int, int]:
        """The last sequence number of each account."""
        streams = self._model.streams
        return {each: streams[each].head for each in account_ids if each in streams}

    def oldest(self, account_ids: Collection[int]) -> Mapping[int, int]:
        """The first retained sequence number of each account."""
        result: dict[int, int] = {}
        for row in self._stream():
            if row.account_id in account_ids:
                result.setdefault(row.account_id, row.seq)
        return result

    def events(self, after: Mapping[int, int], limit: int) -> Sequence[EventRow]:
        """Rows that contain a later sequence number, by account."""
        rows = (r for r in self._stream() if r.account_id in after)
        return [row for row in rows if row.seq_to > after[row.account_id]][:limit]

    def locate_event(self, event_id: int) -> tuple[int, int] | None:
        """(account id, sequence number) of a retained event, or None."""
        for row in self._stream():
            number = row.seq + event_id - row.id
            if row.seq <= number <= row.seq_to:
                return row.account_id, number
        return None

    def _stream(self) -> Sequence[EventRow]:
        return sorted(self._books.events.values(), key=lambda row: (row.account_id, row.seq))

    # Audits

    def several_orders(self, account_id: int) -> Sequence[int]:
        """Commands of types with a single order that have several orders."""
        rows = [o for o in self._books.orders.values() if o.account_id == account_id]
        counts = Counter(o.command_id for o in rows if o.command_id is not None)
        commands = self._books.commands
        return sorted(
            each
            for each, count in counts.items()
            if count > 1 and each in commands and commands[each].command_type in SINGLE
        )

    def paper_exchange_state(self, account_id: int) -> ExchangeStateRows:
        """The stored exchange state of the account."""
        return self._books.memories.get(account_id, ExchangeStateRows())

    def trim(self, before: datetime, *, events_too: bool, limit: int) -> int:
        """Deletes earlier finished read calls and, if ``events_too``, all events; counts them."""
        calls = [
            row
            for row in self._books.commands.values()
            if row.command_type == READ_CALL and row.created_at < before and row.status.is_final
        ]
        expired = sorted(calls, key=lambda row: row.created_at)[:limit]
        for row in expired:
            del self._books.commands[row.id]
        count = len(expired)
        if events_too:
            count += len(self._books.events)
            self._books.events.clear()
        return count

    def _filtered(self, rows: Mapping[int, Row], window: HistoryQuery) -> list[Row]:
        return [rows[each] for each in sorted(rows) if _is_in_window(rows[each], window)]


def _is_in_window(row: Order | Deal | Position | CommandRow, window: HistoryQuery) -> bool:
    time_columns = {Order: "updated_at", Position: "updated_at", Deal: "executed_at"}
    at: datetime = getattr(row, time_columns.get(type(row), "created_at"))
    if row.account_id not in window.account_ids:
        return False
    if window.since is not None and at < window.since:
        return False
    if window.until is not None and at >= window.until:
        return False
    if (
        window.status is not None
        and not isinstance(row, Deal)
        and not _statuses(row) & window.status
    ):
        return False
    return all(matches(row, window) for matches in _FILTERS[type(row)])


def _statuses(row: Order | Position | CommandRow) -> frozenset[str]:
    if isinstance(row, Order):
        wire_status = "CANCELED" if row.state is OrderState.EXPIRED else row.state.value
        return frozenset({row.state.value, wire_status})
    return frozenset({row.state.value if isinstance(row, Position) else row.status.value})


def _matches_strategy_and_symbol(row: Any, window: HistoryQuery) -> bool:
    return (
        window.strategy_id in (None, row.strategy_id)
        and (window.strategies is None or row.strategy_id in window.strategies)
        and window.symbol in (None, row.symbol)
    )


def _matches_reconciled(row: Any, window: HistoryQuery) -> bool:
    return window.reconciled in (None, row.reconciled)


def _matches_order(row: Any, window: HistoryQuery) -> bool:
    return window.order_id in (None, row.order_id)


def _matches_position(row: Any, window: HistoryQuery) -> bool:
    return window.position_id in (None, row.position_id)


_FILTERS: Mapping[type, Sequence[Callable[[Any, HistoryQuery], bool]]] = {
    Order: (_matches_strategy_and_symbol, _matches_reconciled, _matches_position),
    Deal: (_matches_strategy_and_symbol, _matches_reconciled, _matches_order, _matches_position),
    Position: (_matches_strategy_and_symbol,),
    CommandRow: (_matches_order,),
}


def _paginate(rows: Sequence[Row], window: HistoryQuery) -> Page[Row]:
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
