"""Request parameters of the OKX dialect: instrument ids, contracts, sides, numbers.

Quantities of swaps are counted in contracts, whose size is ``ctVal`` of the instrument. OKX's own
sizes are used, and the lot is what makes one step of the venue.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from loopback.exchange.venue import Venue
from loopback.okx.errors import ApiError, OrderError, parameter_error
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import NotADecimal, multiply, parse_decimal
from oms.simulation.state.paper_order import Leg

Params = Mapping[str, Any]
#: Base currency per contract, as at OKX; 1 where it is not listed.
CONTRACT_SIZES = MappingProxyType(
    {
        "BTC": Decimal("0.01"),
        "ETH": Decimal("0.1"),
        "BNB": Decimal("0.01"),
        "XRP": Decimal(100),
        "ADA": Decimal(100),
        "DOGE": Decimal(1000),
    }
)
POSITION_SIDES = MappingProxyType({Leg.BOTH: "net", Leg.LONG: "long", Leg.SHORT: "short"})
LEGS = MappingProxyType({name: leg for leg, name in POSITION_SIDES.items()})
_KINDS = MappingProxyType({"SPOT": InstrumentKind.SPOT, "SWAP": InstrumentKind.LINEAR})


def instrument_id(symbol: str) -> str:
    """Returns the id of an instrument: BTC-USDT, BTC-USDT-SWAP for BTC/USDT:USDT."""
    pair, _, settle = symbol.partition(":")
    return pair.replace("/", "-") + ("-SWAP" if settle else "")


def instrument_type(symbol: str) -> str:
    """Returns SPOT or SWAP."""
    return "SWAP" if ":" in symbol else "SPOT"


def contract_size(instrument: Instrument) -> Decimal:
    """Returns the base currency per unit of quantity: that of a contract, 1 on spot."""
    if instrument.kind is InstrumentKind.SPOT:
        return Decimal(1)
    return CONTRACT_SIZES.get(instrument.base, Decimal(1))


def to_units(instrument: Instrument, qty: Decimal) -> Decimal:
    """Returns a quantity in base currency as the venue counts it."""
    return qty / contract_size(instrument)


def to_base(instrument: Instrument, units: Decimal) -> Decimal:
    """Returns a quantity as the venue counts it in base currency."""
    return multiply(units, contract_size(instrument))


def instruments_of_type(venue: Venue, name: str) -> list[Instrument]:
    """Returns the instruments of ``SPOT`` or ``SWAP``; none of another type."""
    kind = _KINDS.get(name)
    return [each for each in venue.instruments.values() if each.kind is kind]


def find_instrument(venue: Venue, params: Params) -> Instrument:
    """Returns the instrument of ``instId``. Raises ``ApiError``."""
    name = str(params.get("instId") or "")
    for instrument in venue.instruments.values():
        if instrument_id(instrument.symbol) == name:
            return instrument
    raise ApiError(51001, "Instrument ID or Spread ID doesn't exist.")


def order_instrument(venue: Venue, params: Params) -> Instrument:
    """Returns the instrument of an order's ``instId``. Raises ``OrderError``."""
    try:
        return find_instrument(venue, params)
    except ApiError as error:
        raise OrderError(error.code, error.message) from None


def symbol_filter(venue: Venue, params: Params) -> str | None:
    """Returns the symbol that a list is limited to, if any. Raises ``ApiError``."""
    return find_instrument(venue, params).symbol if params.get("instId") else None


def is_of_type(params: Params, symbol: str) -> bool:
    """Whether a symbol is of the ``instType`` that a list is limited to, if any."""
    return params.get("instType") in (None, "", "ANY", instrument_type(symbol))


def parse_number(params: Params, name: str) -> Decimal | None:
    """Returns a number; ``None`` if it is missing, empty or zero. Raises ``OrderError``."""
    value = str(params.get(name) or "")
    if not value:
        return None
    try:
        return parse_decimal(value) or None
    except NotADecimal:
        raise parameter_error(name) from None


def parse_limit(params: Params, maximum: int = 100) -> int:
    """Returns the page size of a request; without one it is the maximum."""
    limit = str(params.get("limit") or "")
    return max(1, min(int(limit), maximum)) if limit.isdigit() else maximum


def parse_ms(params: Params, name: str) -> int | None:
    """Returns a time in milliseconds, or an id; ``None`` if it is missing. Raises ``ApiError``."""
    text = str(params.get(name) or "")
    if text and not text.isdigit():
        raise ApiError(51000, f"Parameter {name} error")
    return int(text) if text else None
