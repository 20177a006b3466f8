"""What follows from facts just recorded: dust ends positions, locks follow closing orders."""

from collections.abc import Iterable

from oms.domain.close_lock import in_state
from oms.domain.deal import Deal, DealEntry
from oms.domain.dust import is_dust, swept
from oms.domain.entry import Entry
from oms.domain.order import Order
from oms.domain.position import Position
from oms.ports.ids import IdBlocks
from oms.services.home import Home


async def dust(
    home: Home, orders: Iterable[Order], deals: Iterable[Deal], ids: IdBlocks
) -> list[Entry]:
    """Positions that ``orders``, now over, have closed but for a rest that nobody can close."""
    over = {order.id for order in orders if order.reduce_only and not order.is_open}
    if not over:
        return []
    entries: list[Entry] = []
    closing = {d.position_id: d for d in deals if d.order_id in over and d.entry is DealEntry.OUT}
    for position_id, deal in closing.items():
        position = home.positions.get(position_id)
        if position is None:
            continue
        instrument = home.exchange.instruments()[position.symbol]
        if is_dust(position, instrument, deal.price):
            await ids.ensure("deal", 1)
            entry = swept(
                position,
                instrument,
                ids,
                name=deal.exchange_trade_id,
                reason=deal.reason,
                executed_at=deal.executed_at,
                heard_at=deal.created_at,
            )
            entries.append(entry)
    return entries


def relocked(home: Home, orders: Iterable[Order], positions: Iterable[Position]) -> list[Position]:
    """Positions whose lock must change after a change of these orders and positions."""
    named = {order.position_id for order in orders if order.reduce_only}
    named.update(position.id for position in positions)
    changed: list[Position] = []
    for position_id in named:
        position = home.positions.get(position_id)
        if position is not None:
            after = in_state(position, home.orders.values())
            if after is not position:
                changed.append(after)
    return changed
