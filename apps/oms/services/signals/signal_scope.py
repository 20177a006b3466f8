"""What the scope of a signal holds: one strategy of an account, or all of it, in one symbol."""

from collections.abc import Collection
from decimal import Decimal

from oms.domain.ledger.close_lock import is_close_order
from oms.domain.ledger.deal import DealEntry
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order, Side
from oms.domain.signals.plan import Holding
from oms.domain.signals.signal import ExecuteSignal, SignalAction
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.shared_credentials import find_other_senders


def positions_of(state: AccountState, signal: ExecuteSignal) -> list[Position]:
    """Return the open positions of the scope, oldest first."""
    return [p for p in state.positions_in(signal.symbol) if _is_in_scope(p, signal)]


def holdings_of(state: AccountState, signal: ExecuteSignal) -> list[Holding]:
    """Return what the scope holds, oldest first.

    For a size these are also the market orders of signals that an exchange is still executing.
    """
    held = [Holding(position_id=p.id, qty=p.qty) for p in positions_of(state, signal)]
    if signal.action is not SignalAction.POSITION_SIZE:
        return held
    return held + [
        Holding(position_id=0, qty=_signed(order.remaining_qty, order.side))
        for order in entry_orders_of(state, signal)
        if order.signal_id is not None and order.order_type == "market"
    ]


def entry_orders_of(state: AccountState, signal: ExecuteSignal) -> list[Order]:
    """Return the working orders of the scope that open exposure."""
    orders = state.orders_in(signal.symbol)
    return [order for order in orders if not order.reduce_only and _is_in_scope(order, signal)]


async def orders_to_cancel(
    ledger: LedgerStore, state: AccountState, signal: ExecuteSignal
) -> tuple[int, ...]:
    """Return the entry orders of the scope, and the orders that rest to close its positions.

    Orders that another account with the same credentials sent are left out. Raises ``Unavailable``.
    """
    positions = [position.id for position in positions_of(state, signal)]
    orders = entry_orders_of(state, signal)
    orders += [
        order
        for order in state.orders_in(signal.symbol)
        if any(is_close_order(order, position_id) for position_id in positions)
    ]
    others = await find_other_senders(ledger, state, orders)
    return tuple(sorted({order.id for order in orders} - others.keys()))


async def count_entries(
    ledger: LedgerStore, state: AccountState, signal: ExecuteSignal, side: Side
) -> int:
    """Return how many orders opened what the scope holds on a side, or still may add to it.

    Raises ``Unavailable``.
    """
    position_ids = [p.id for p in positions_of(state, signal) if (p.qty > 0) == (side is Side.BUY)]
    orders = {order.id for order in entry_orders_of(state, signal) if order.side is side}
    orders |= _uncommitted_entries(state, position_ids)
    return len(orders | await ledger.entry_orders(state.account.id, position_ids))


def _uncommitted_entries(state: AccountState, position_ids: Collection[int]) -> set[int]:
    return {
        deal.order_id
        for deal in state.uncommitted_deals()
        if deal.position_id in position_ids
        and deal.entry is DealEntry.IN
        and deal.order_id is not None
    }


def _is_in_scope(row: Position | Order, signal: ExecuteSignal) -> bool:
    return signal.strategy_id in (0, row.strategy_id)


def _signed(qty: Decimal, side: Side) -> Decimal:
    return qty if side is Side.BUY else qty.copy_negate()
