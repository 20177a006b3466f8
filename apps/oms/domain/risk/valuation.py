"""The price that values an entry.

It is the limit or trigger price that the order names. What is filled at the market for more than
that is valued at the market, so that a price that is far too low hides no size.
"""

from decimal import Decimal

from oms.domain.orders.order import Side
from oms.domain.orders.order_types import LIMIT_TYPES, TAKE_PROFIT_TYPES, TRIGGERED_TYPES
from oms.domain.risk.exposure import Entry
from oms.domain.risk.limit_context import Market


def valuation_of(entry: Entry, market: Market | None) -> Decimal | None:
    """Return the price that values the entry; ``None`` if it is the market's and not known."""
    return value_at(entry, named_price(entry), market)


def value_at(entry: Entry, price: Decimal | None, market: Market | None) -> Decimal | None:
    """Return the same for an entry that names the price."""
    if price is not None and entry.side is Side.SELL and entry.order_type in TRIGGERED_TYPES:
        price = max(price, entry.trigger_price or price)
    if market is None or not needs_market(entry):
        return price
    taken = market.ask if entry.side is Side.BUY else market.bid
    return taken if price is None else max(price, taken)


def named_price(entry: Entry) -> Decimal | None:
    """Return the limit price, else the trigger price; ``None`` of an order that names neither."""
    if entry.order_type in LIMIT_TYPES:
        return entry.price
    return entry.trigger_price if entry.order_type in TRIGGERED_TYPES else None


def needs_market(entry: Entry) -> bool:
    """Return whether the order may be filled at the market for more than the price it names.

    An order that waits for a lower price never is, nor a purchase with a limit.
    """
    is_limit_buy = entry.side is Side.BUY and entry.order_type in LIMIT_TYPES
    if entry.order_type not in TRIGGERED_TYPES:
        return not is_limit_buy
    is_take_profit = entry.order_type in TAKE_PROFIT_TYPES
    waits_for_higher = is_take_profit is (entry.side is Side.SELL)
    return waits_for_higher and not is_limit_buy
