"""Price alerts of an account: when the price of a symbol reaches a level, an event says so once."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.protection.stop_settings import PriceMode
from oms.domain.quotes import Quote
from oms.domain.value import evolve, value

ALERTS_MAX = 500
"""Maximum number of waiting alerts of an account."""

SYMBOLS_MAX = 20
"""Maximum number of symbols that they are of: each costs a real exchange a read of its price, and
the prices of stop levels are read in the same turn.
"""


class AlertCondition(StrEnum):
    """What fires an alert."""

    ABOVE = "above"
    BELOW = "below"
    CROSSES = "crosses"


class PriceSide(StrEnum):
    """Where the market is, seen from the price of an alert."""

    ABOVE = "above"
    BELOW = "below"


@value
class PriceAlert:
    """An alert that has not fired yet; its id is that of the command that created it."""

    id: int
    symbol: str
    condition: AlertCondition
    price: Decimal
    note: str | None = None
    #: Of ``crosses``: where the price was first seen; ``None`` until it differs from the level.
    side: PriceSide | None = None
    #: The user whose key created it.
    user_id: int
    created_at: datetime


def alert_price(mode: PriceMode, quote: Quote) -> Decimal | None:
    """Return the price that alerts are compared with; ``None`` if the exchange reports none.

    An alert has no side, so an account that compares bid and ask uses the middle of both.
    """
    match mode:
        case PriceMode.BID_ASK | PriceMode.MID:
            return quote.mid
        case PriceMode.LAST:
            return quote.last
        case PriceMode.MARK:
            return quote.mark


def with_side(alert: PriceAlert, price: Decimal) -> PriceAlert:
    """Return an alert of ``crosses`` with the side of ``price``, if it has none yet."""
    if alert.condition is not AlertCondition.CROSSES or alert.side or price == alert.price:
        return alert
    return evolve(alert, side=PriceSide.ABOVE if price > alert.price else PriceSide.BELOW)


def is_reached(alert: PriceAlert, price: Decimal) -> bool:
    """Return whether ``price`` fires the alert; a level that is touched is reached."""
    match alert.condition:
        case AlertCondition.ABOVE:
            return price >= alert.price
        case AlertCondition.BELOW:
            return price <= alert.price
        case AlertCondition.CROSSES:
            if alert.side is PriceSide.BELOW:
                return price >= alert.price
            return alert.side is PriceSide.ABOVE and price <= alert.price
