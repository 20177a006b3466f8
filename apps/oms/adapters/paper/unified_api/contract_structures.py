"""Leverage, margin mode and trading fees as ccxt's structures."""

from decimal import Decimal

from oms.adapters.paper.unified_api.structures import Structure, to_float
from oms.domain.instrument import Instrument, InstrumentKind
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.exchange_state import ExchangeState


def leverage(
    state: ExchangeState, settings: SimulationSettings, instrument: Instrument
) -> Structure:
    """Returns the leverage in force."""
    terms = state.contracts.get(instrument.symbol)
    value = 1 if instrument.kind is InstrumentKind.SPOT else settings.leverage_of(instrument, terms)
    return {
        "info": {},
        "symbol": instrument.symbol,
        "marginMode": margin_mode(state, settings, instrument)["marginMode"],
        "longLeverage": value,
        "shortLeverage": value,
    }


def margin_mode(
    state: ExchangeState, settings: SimulationSettings, instrument: Instrument
) -> Structure:
    """Returns the margin mode in force; ``None`` on spot."""
    terms = state.contracts.get(instrument.symbol)
    is_spot = instrument.kind is InstrumentKind.SPOT
    mode = None if is_spot else settings.margin_mode_of(terms).value
    return {"info": {}, "symbol": instrument.symbol, "marginMode": mode}


def trading_fee(settings: SimulationSettings, instrument: Instrument) -> Structure:
    """Returns maker and taker rate as fractions, below all tiers."""
    rates = settings.rates_of(instrument.kind)
    return {
        "info": {},
        "symbol": instrument.symbol,
        "maker": to_float(rates.maker),
        "taker": to_float(rates.taker),
        "percentage": True,
        "tierBased": bool(settings.tiers_of(instrument.kind)),
    }


def leverage_tiers(instrument: Instrument) -> list[Structure]:
    """Returns the single leverage tier of a paper contract."""
    return [
        {
            "info": {},
            "symbol": instrument.symbol,
            "tier": 1.0,
            "currency": instrument.settle,
            "minNotional": 0.0,
            "maxNotional": None,
            "maintenanceMarginRate": to_float(instrument.maintenance_rate),
            "maxLeverage": to_float(Decimal(instrument.max_leverage)),
        }
    ]
