"""Queue position of a resting order among the others at its price.

The quantity shown at its price on arrival is ahead of it. Trades at the price consume that first,
then the order. Cancels ahead do not advance it, unless the settings make them do so in proportion.
"""

from decimal import Decimal

from oms.domain.money import EXACT, ZERO, multiply, round_to_scale, subtract
from oms.domain.orders.order import Side
from oms.simulation.state.paper_market import Market
from oms.simulation.state.paper_order import PaperOrder, QueuePosition


def estimate_queue_position(market: Market | None, order: PaperOrder) -> QueuePosition | None:
    """Returns the current queue position; ``None`` where the price is beyond all levels shown."""
    shown = None if market is None else displayed_qty_at(market, order)
    return None if shown is None else QueuePosition(ahead=shown, shown=shown)


def displayed_qty_at(market: Market, order: PaperOrder) -> Decimal | None:
    """Returns the quantity shown at the price of an order, on its side; ``None`` beyond all levels.

    A level without quantity counts as an empty queue.
    """
    assert order.price is not None, "only orders with a price rest"
    is_buy = order.side is Side.BUY
    for price, qty in (market.bids if is_buy else market.asks).levels:
        if price == order.price:
            return qty or ZERO
        if (price < order.price) is is_buy:
            return ZERO
    return None


def advance_on_cancels(queue: QueuePosition, shown: Decimal) -> QueuePosition:
    """Returns the position when the book shows less than trades left: a share of that was ahead."""
    if shown >= queue.shown:
        return queue if shown == queue.shown else QueuePosition(ahead=queue.ahead, shown=shown)
    canceled_ahead = multiply(queue.ahead, subtract(queue.shown, shown))
    ahead = subtract(queue.ahead, round_to_scale(EXACT.divide(canceled_ahead, queue.shown)))
    return QueuePosition(ahead=max(ahead, ZERO), shown=shown)


def advance_on_trade(queue: QueuePosition, qty: Decimal) -> QueuePosition:
    """Returns the position after others traded ``qty`` at the price."""
    return QueuePosition(
        ahead=max(subtract(queue.ahead, qty), ZERO),
        shown=max(subtract(queue.shown, qty), ZERO),
    )
