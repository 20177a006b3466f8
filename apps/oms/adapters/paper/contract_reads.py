"""What stands behind positions and what trading costs, as ccxt's structures."""

from decimal import Decimal

from oms.adapters.paper.structures import Structure, number
from oms.domain.instrument import Instrument, Kind
from oms.simulation.memory import Memory
from oms.simulation.settings import Settings


def leverage(memory: Memory, settings: Settings, instrument: Instrument) -> Structure:
    """The leverage in force."""
    terms = memory.contracts.get(instrument.symbol)
    value = 1 if instrument.kind is Kind.SPOT else settings.leverage_of(instrument, terms)
    return {
        "info": {},
        "symbol": instrument.symbol,
        "marginMode": margin_mode(memory, settings, instrument)["marginMode"],
        "longLeverage": value,
        "shortLeverage": value,
    }


def margin_mode(memory: Memory, settings: Settings, instrument: Instrument) -> Structure:
    """The margin mode in force; none on spot."""
    terms = memory.contracts.get(instrument.symbol)
    is_spot = instrument.kind is Kind.SPOT
    mode = None if is_spot else settings.margin_mode_of(terms).value
    return {"info": {}, "symbol": instrument.symbol, "marginMode": mode}


def trading_fee(settings: Settings, instrument: Instrument) -> Structure:
    """Maker and taker rate as fractions, below all tiers."""
    rates = settings.rates_of(instrument.kind)
    return {
        "info": {},
        "symbol": instrument.symbol,
        "maker": number(rates.maker),
        "taker": number(rates.taker),
        "percentage": True,
        "tierBased": bool(settings.tiers_of(instrument.kind)),
    }


def leverage_tiers(instrument: Instrument) -> list[Structure]:
    """The one tier that a paper contract has."""
    return [
        {
            "info": {},
            "symbol": instrument.symbol,
            "tier": 1.0,
            "currency": instrument.settle,
            "minNotional": 0.0,
            "maxNotional": None,
            "maintenanceMarginRate": number(instrument.maintenance_rate),
            "maxLeverage": number(Decimal(instrument.max_leverage)),
        }
    ]
