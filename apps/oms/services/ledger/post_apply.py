"""Follow-ups of applied reports: write off dust, and update the close locks of positions."""

from collections.abc import Iterable, Mapping

from oms.domain.ledger.close_lock import with_close_state
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.dust import is_dust, write_off_dust
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Position
from oms.domain.ledger.replay_steps import busted_trade_ids
from oms.domain.orders.order import Order
from oms.ports.ids import IdBlocks
from oms.services.account_state.state import AccountState


async def close_dust(
    state: AccountState, orders: Iterable[Order], deals: Iterable[Deal], ids: IdBlocks
) -> list[LedgerUpdate]:
    """Return updates that write off positions which these finished close orders left as dust."""
    finished = {order.id for order in orders if order.reduce_only and not order.is_open}
    if not finished:
        return []
    entries: list[LedgerUpdate] = []
    deals = list(deals)
    busted = busted_trade_ids(deals)
    closing = {
        deal.position_id: deal
        for deal in deals
        if deal.order_id in finished
        and deal.entry is DealEntry.OUT
        and deal.type is DealType.TRADE
        and deal.exchange_trade_id not in busted
    }
    for position_id, deal in closing.items():
        position = state.positions.get(position_id)
        if position is None:
            continue
        instrument = state.exchange.instruments()[position.symbol]
        if is_dust(position, instrument, deal.price):
            await ids.ensure("deal", 1)
            entry = write_off_dust(
                position,
                instrument,
                ids,
                name=deal.exchange_trade_id,
                reason=deal.reason,
                executed_at=deal.executed_at,
                received_at=deal.created_at,
            )
            entries.append(entry)
    return entries


def recompute_close_locks(
    state: AccountState, orders: Mapping[int, Order], positions: Mapping[int, Position]
) -> list[Position]:
    """Return the positions whose close lock changes with these orders and positions, by id."""
    changed: list[Position] = []
    closing = {order.position_id for order in orders.values() if order.reduce_only}
    for position_id in closing.union(positions):
        position = state.positions.get(position_id)
        if position is not None:
            after = with_close_state(position, state.orders.values())
            if after is not position:
                changed.append(after)
    return changed
