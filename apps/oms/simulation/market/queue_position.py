"""The place of a resting order among others at its price.

What is shown there when it arrives stands before it. Trades at the price eat that first, then the
order. Who cancels ahead does not help, unless it is wished that it does in proportion.
"""

from decimal import Decimal

from oms.domain.money import EXACT, ZERO, multiply, round_to_scale, subtract
from oms.domain.orders.order import Side
from oms.simulation.state.exchange_state import Market, PaperOrder, QueuePosition


def estimate_queue_position(market: Market | None, order: PaperOrder) -> QueuePosition | None:
    """Its place now; ``None`` where its price lies beyond all that is shown."""
    shown = None if market is None else displayed_qty_at(market, order)
    return None if shown is None else QueuePosition(ahead=shown, shown=shown)


def displayed_qty_at(market: Market, order: PaperOrder) -> Decimal | None:
    """What the order's own side shows at its price; ``None`` beyond the last level.

    A level without quantity tells nothing of a queue and counts as empty.
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
    """The place when the book shows less than was left by trades: part of it stood ahead."""
    if shown >= queue.shown:
        return queue if shown == queue.shown else QueuePosition(ahead=queue.ahead, shown=shown)
    canceled_ahead = multiply(queue.ahead, subtract(queue.shown, shown))
    ahead = subtract(queue.ahead, round_to_scale(EXACT.divide(canceled_ahead, queue.shown)))
    return QueuePosition(ahead=max(ahead, ZERO), shown=shown)


def advance_on_trade(queue: QueuePosition, qty: Decimal) -> QueuePosition:
    """The place after others traded ``qty`` at the price, ahead of the order."""
    return QueuePosition(
        ahead=max(subtract(queue.ahead, qty), ZERO),
        shown=max(subtract(queue.shown, qty), ZERO),
    )
