"""Instruments of the candle store: one symbol at one exchange."""

from decimal import Decimal
from enum import StrEnum

from oms.domain.errors import Invalid
from oms.domain.value import value


class AssetClass(StrEnum):
    """What is traded."""

    CRYPTO = "crypto"
    STOCK = "stock"


class TradingSession(StrEnum):
    """When it trades."""

    CONTINUOUS = "24x7"
    US_EQUITY = "us_equity"


@value
class MarketInstrument:
    """One symbol at one exchange; the same symbol elsewhere is another instrument.

    ``exchange`` is the name of a venue, as ``binance``.
    """

    id: int
    exchange: str
    symbol: str
    base: str
    quote: str
    asset_class: AssetClass = AssetClass.CRYPTO
    market_type: str = "spot"
    session: TradingSession = TradingSession.CONTINUOUS
    price_tick: Decimal = Decimal("0.00000001")
    qty_step: Decimal = Decimal("0.00000001")
    min_qty: Decimal = Decimal(0)
    #: In quote.
    min_notional: Decimal = Decimal(0)
    contract_size: Decimal = Decimal(1)
    is_active: bool = True


def check_instrument(instrument: MarketInstrument) -> None:
    """Raise ``Invalid`` for a name or a number out of range."""
    for name, text, length in (
        ("exchange", instrument.exchange, 64),
        ("symbol", instrument.symbol, 64),
        ("base", instrument.base, 32),
        ("quote", instrument.quote, 32),
        ("market_type", instrument.market_type, 16),
    ):
        if not text or len(text) > length or text != text.strip() or not text.isprintable():
            raise Invalid(f"{name} {text!r}: 1 to {length} printable characters are required")
    for name, number in (
        ("price_tick", instrument.price_tick),
        ("qty_step", instrument.qty_step),
        ("contract_size", instrument.contract_size),
    ):
        if number <= 0:
            raise Invalid(f"{name} {number} must be above 0")
    for name, number in (
        ("min_qty", instrument.min_qty),
        ("min_notional", instrument.min_notional),
    ):
        if number < 0:
            raise Invalid(f"{name} {number} must be at least 0")
