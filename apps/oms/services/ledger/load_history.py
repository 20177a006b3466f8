"""The current history of a symbol: the stored rows overlaid with uncommitted ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument
from oms.domain.ledger.allocation import ExecutionKey, boundary_key, step_key
from oms.domain.ledger.charges import FOLLOW_UP_PREFIXES
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.history_replay import SymbolHistory
from oms.domain.ledger.position import Position
from oms.domain.ledger.replay_steps import busted_trade_ids
from oms.domain.money import ZERO, add
from oms.domain.orders.order import Order
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.account_state.unit_of_work import UnitOfWork, current_deals


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadHistory:
    """Loads the history that a replay needs."""

    ledger: LedgerStore

    async def __call__(
        self, state: AccountState, instrument: Instrument, since: datetime
    ) -> SymbolHistory:
        """Return the positions open at ``since`` or later, with their deals and orders.

        And those that are connected with them by a close-by, a merge or a joined ticket.
        """
        symbol, mode = instrument.symbol, state.account.position_mode
        # Before the read: the commit in progress may complete during it.
        units = state.units_of_work()
        fresh = _fresh_positions(units, symbol)
        needed = {key for key, position in fresh.items() if _is_alive(position, since)}
        while True:
            rows = await self.ledger.history_since(state.account.id, symbol, since, sorted(needed))
            positions = {position.id: position for position in rows.positions}
            positions |= {i: p for i, p in fresh.items() if i in needed or i in positions}
            # A changed deal may be stored at a position that is not loaded.
            changed = [deal for work in units for deal in work.deals_changed.values()]
            candidates = current_deals(units, (*rows.deals, *changed)).values()
            deals = [deal for deal in candidates if deal.symbol == symbol]
            connected = _connected_ids(positions, deals, mode)
            connected |= {i for i, row in fresh.items() if row.merged_into in positions}
            if connected <= positions.keys() | needed:
                break
            needed |= connected
        kept = [deal for deal in deals if deal.position_id in positions]
        kept += _without_position(deals, since)
        orders = _orders(state, units, rows.orders, positions, kept)
        return SymbolHistory(
            mode=mode,
            instrument=instrument,
            positions=tuple(positions.values()),
            deals=tuple(kept),
            orders=orders,
            since=since,
            continued_orders=_continued_orders(orders, kept),
        )


def replay_key(deal: Deal) -> ExecutionKey | None:
    """Return the place of the deal in a replay; ``None`` for one that is not a step of it."""
    if deal.type not in (DealType.TRADE, DealType.FUNDING):
        return None
    sequence, trade_id = deal.exchange_sequence, deal.exchange_trade_id
    return step_key(deal.executed_at, sequence, trade_id, deal.type, deal.entry)


def uncommitted_keys(state: AccountState, symbol: str) -> Iterator[ExecutionKey]:
    """Yield the places in a replay of what is not committed yet."""
    for deal in state.uncommitted_deals():
        if deal.symbol == symbol and (key := replay_key(deal)) is not None:
            yield key
    for position in _fresh_positions(state.units_of_work(), symbol).values():
        if position.merged_into is not None and position.closed_at is not None:
            yield boundary_key(position.closed_at)


def _fresh_positions(units: Sequence[UnitOfWork], symbol: str) -> dict[int, Position]:
    """Return the positions of the symbol that are not committed yet."""
    fresh: dict[int, Position] = {}
    for work in units:
        for changed in (work.positions_changed, work.positions_new):
            fresh |= {key: row for key, row in changed.items() if row.symbol == symbol}
    return fresh


def _is_alive(position: Position, since: datetime) -> bool:
    return position.closed_at is None or position.closed_at >= since


def _connected_ids(
    positions: Mapping[int, Position], deals: Sequence[Deal], mode: PositionMode
) -> set[int]:
    """Return the positions without which these positions cannot be replayed."""
    trade_ids = {
        deal.exchange_trade_id
        for deal in deals
        if deal.position_id in positions and deal.entry is DealEntry.OUT_BY
    }
    connected = {deal.position_id for deal in deals if deal.exchange_trade_id in trade_ids}
    if mode is PositionMode.HEDGE:
        connected |= {
            deal.previous_position_id
            for deal in deals
            if deal.position_id in positions and deal.previous_position_id is not None
        }
    connected |= {row.merged_into for row in positions.values() if row.merged_into is not None}
    return connected


def _without_position(deals: Sequence[Deal], since: datetime) -> list[Deal]:
    """Return the deals without a position that a replay may give one.

    These are funding, sales of more coins than positions held, and fees and busts of such sales.
    A fee that waits for its trade is none of them.
    """
    free = [deal for deal in deals if not deal.position_id]
    moved = [
        deal
        for deal in free
        if deal.type in (DealType.FUNDING, DealType.TRADE) and deal.executed_at >= since
    ]
    names = {f"{prefix}{deal.exchange_trade_id}" for deal in moved for prefix in FOLLOW_UP_PREFIXES}
    return [*moved, *(deal for deal in free if deal.exchange_trade_id in names)]


def _orders(
    state: AccountState,
    units: Sequence[UnitOfWork],
    stored: Sequence[Order],
    positions: Mapping[int, Position],
    deals: Sequence[Deal],
) -> dict[int, Order]:
    """Return the orders of the deals, and open ones that name one of the positions."""
    orders = {order.id: order for order in stored}
    for work in units:
        orders |= work.orders_changed | work.orders_new
    order_ids = {deal.order_id for deal in deals}
    kept = {key: order for key, order in orders.items() if key in order_ids}
    for order in state.orders.values():
        if order.ticket_id in positions or order.position_id in positions:
            kept[order.id] = order
    return kept


def _continued_orders(orders: Mapping[int, Order], deals: Sequence[Deal]) -> frozenset[int]:
    """Return the orders of which some executions are not among ``deals``."""
    busted = busted_trade_ids(deals)
    filled: dict[int | None, Decimal] = {}
    for deal in deals:
        if deal.type is DealType.TRADE and deal.exchange_trade_id not in busted:
            filled[deal.order_id] = add(filled.get(deal.order_id, ZERO), deal.qty)
    return frozenset(i for i, row in orders.items() if filled.get(i, ZERO) < row.filled_qty)
