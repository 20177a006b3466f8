"""The price that the stop levels of a position are compared with."""

from decimal import Decimal

from oms.domain.ledger.position import Position
from oms.domain.protection.stop_settings import PriceMode, StopSettings
from oms.domain.quotes import Quote
from oms.domain.side import Side


def exit_price(settings: StopSettings, position: Position, quote: Quote) -> Decimal | None:
    """Return the price by the account's mode; ``None`` if the exchange does not report it."""
    match settings.price_mode:
        case PriceMode.BID_ASK:
            return quote.bid if position.side is Side.BUY else quote.ask
        case PriceMode.MID:
            return quote.mid
        case PriceMode.LAST:
            return quote.last
        case PriceMode.MARK:
            return quote.mark
