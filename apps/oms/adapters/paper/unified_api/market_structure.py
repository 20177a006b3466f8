"""An instrument as ccxt's market structure."""

from decimal import Decimal

from oms.domain.instrument import Instrument, InstrumentKind
from oms.simulation.settings import SimulationSettings


def market_structure(instrument: Instrument, settings: SimulationSettings) -> dict[str, object]:
    """Returns all keys of ccxt's market; precisions are tick and step."""
    rates = settings.rates_of(instrument.kind)
    is_spot = instrument.kind is InstrumentKind.SPOT
    name = instrument.symbol.partition(":")[0].replace("/", "")
    contract_size = None if is_spot else float(instrument.contract_size)
    return {
        "id": name,
        "lowercaseId": name.lower(),
        "symbol": instrument.symbol,
        "base": instrument.base,
        "quote": instrument.quote,
        "settle": None if is_spot else instrument.settle,
        "baseId": instrument.base,
        "quoteId": instrument.quote,
        "settleId": None if is_spot else instrument.settle,
        "type": "spot" if is_spot else "swap",
        **_flags(instrument.kind),
        "contractSize": contract_size,
        "expiry": None,
        "expiryDatetime": None,
        "strike": None,
        "optionType": None,
        "taker": float(rates.taker),
        "maker": float(rates.maker),
        "percentage": True,
        "tierBased": False,
        "feeSide": _fee_side(instrument.kind, settings),
        "precision": _precision(instrument),
        "limits": _limits(instrument),
        "marginModes": dict.fromkeys(("cross", "isolated"), None if is_spot else True),
        "created": None,
        "info": {},
    }


def _fee_side(kind: InstrumentKind, settings: SimulationSettings) -> str:
    if kind is InstrumentKind.SPOT:
        return "get" if settings.base_fee_on_buy else "quote"
    return "quote" if kind is InstrumentKind.LINEAR else "base"


def _flags(kind: InstrumentKind) -> dict[str, object]:
    is_spot = kind is InstrumentKind.SPOT
    return {
        "spot": is_spot,
        "margin": False,
        "swap": not is_spot,
        "future": False,
        "option": False,
        "index": False,
        "active": True,
        "contract": not is_spot,
        "linear": None if is_spot else kind is InstrumentKind.LINEAR,
        "inverse": None if is_spot else kind is InstrumentKind.INVERSE,
        "subType": None if is_spot else kind.value,
    }


def _precision(instrument: Instrument) -> dict[str, object]:
    return {
        "amount": float(instrument.step),
        "price": float(instrument.tick),
        "cost": None,
        "base": None,
        "quote": None,
    }


def _limits(instrument: Instrument) -> dict[str, object]:
    return {
        "leverage": _range(Decimal(1), Decimal(instrument.max_leverage)),
        "amount": _range(instrument.step),
        "price": _range(instrument.tick),
        "cost": _range(instrument.min_notional),
    }


def _range(low: Decimal, high: Decimal | None = None) -> dict[str, object]:
    return {"min": float(low), "max": None if high is None else float(high)}
