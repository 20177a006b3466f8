"""Instruments of the candle store as JSON."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.market.market_instrument import AssetClass, MarketInstrument, TradingSession
from oms.domain.money import decimal_text
from oms.wire.responses.value_types import DecimalText, Id, one_of


class InstrumentRow(TypedDict):
    """One symbol at one exchange."""

    id: Id
    exchange: str
    symbol: str
    base: str
    quote: str
    asset_class: Annotated[str, one_of(*AssetClass)]
    market_type: Annotated[str, Field(description="As spot, swap or future.")]
    session: Annotated[str, one_of(*TradingSession)]
    price_tick: DecimalText
    qty_step: DecimalText
    min_qty: DecimalText
    min_notional: Annotated[DecimalText, Field(description="In quote.")]
    contract_size: DecimalText
    is_active: bool


def instrument_row(instrument: MarketInstrument) -> InstrumentRow:
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
        "price_tick": decimal_text(instrument.price_tick),
        "qty_step": decimal_text(instrument.qty_step),
        "min_qty": decimal_text(instrument.min_qty),
        "min_notional": decimal_text(instrument.min_notional),
        "contract_size": decimal_text(instrument.contract_size),
        "is_active": instrument.is_active,
    }
