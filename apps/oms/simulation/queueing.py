"""The place of a resting order among others at its price.

What is shown there when it arrives stands before it. Trades at the price eat that first, then the
order. Who cancels ahead does not help, unless it is wished that it does in proportion.
"""

from decimal import Decimal

from oms.domain.money import EXACT, ZERO, difference, product, rounded
from oms.domain.order import Side
from oms.simulation.memory import Market, PaperOrder, Queue


def queue_of(market: Market | None, order: PaperOrder) -> Queue | None:
    """Its place now; ``None`` where its price lies beyond all that is shown."""
    shown = None if market is None else shown_at(market, order)
    return None if shown is None else Queue(ahead=shown, shown=shown)


def shown_at(market: Market, order: PaperOrder) -> Decimal | None:
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


def after_cancels(queue: Queue, shown: Decimal) -> Queue:
    """The place when the book shows less than was left by trades: part of it stood ahead."""
    if shown >= queue.shown:
        return queue if shown == queue.shown else Queue(ahead=queue.ahead, shown=shown)
    gone = product(queue.ahead, difference(queue.shown, shown))
    ahead = difference(queue.ahead, rounded(EXACT.divide(gone, queue.shown)))
    return Queue(ahead=max(ahead, ZERO), shown=shown)


def after_trade(queue: Queue, qty: Decimal) -> Queue:
    """The place after others traded ``qty`` at the price, ahead of the order."""
    return Queue(
        ahead=max(difference(queue.ahead, qty), ZERO),
        shown=max(difference(queue.shown, qty), ZERO),
    )
