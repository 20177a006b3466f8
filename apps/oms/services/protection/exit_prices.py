"""The price that the stop levels of a position are compared with."""

from decimal import Decimal

from oms.domain.ledger.position import Position
from oms.domain.money import add, multiply
from oms.domain.protection.stop_settings import PriceMode, StopSettings
from oms.domain.side import Side
from oms.ports.exchange import Quote

_HALF = Decimal("0.5")


def exit_price(settings: StopSettings, position: Position, quote: Quote) -> Decimal | None:
    """Return the price by the account's mode; ``None`` if the exchange does not report it."""
    match settings.price_mode:
        case PriceMode.BID_ASK:
            return quote.bid if position.side is Side.BUY else quote.ask
        case PriceMode.MID:
            return multiply(add(quote.bid, quote.ask), _HALF)
        case PriceMode.LAST:
            return quote.last
        case PriceMode.MARK:
            return quote.mark
