"""Instruments of the candle store as JSON."""

from typing import Any

from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.money import decimal_text

_DECIMALS = ("price_tick", "qty_step", "min_qty", "min_notional", "contract_size")


def instrument_row(instrument: MarketInstrument) -> dict[str, Any]:
    """Return an instrument; numbers are decimal text."""
    return {
        "id": instrument.id,
        "exchange": instrument.exchange,
        "symbol": instrument.symbol,
        "base": instrument.base,
        "quote": instrument.quote,
        "asset_class": instrument.asset_class.value,
        "market_type": instrument.market_type,
        "session": instrument.session.value,
        **{name: decimal_text(getattr(instrument, name)) for name in _DECIMALS},
        "is_active": instrument.is_active,
    }
