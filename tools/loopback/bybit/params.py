"""Request parameters of the Bybit dialect: categories, symbols, sides, numbers."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from loopback.bybit.errors import ApiError, invalid_request
from loopback.formatting import market_id
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import NotADecimal, parse_decimal
from oms.domain.orders.order import Side
from oms.simulation.state.paper_order import Leg

CATEGORIES = ("spot", "linear", "inverse", "option")
SIDES = MappingProxyType({"Buy": Side.BUY, "Sell": Side.SELL})
INDEXES = MappingProxyType({Leg.BOTH: 0, Leg.LONG: 1, Leg.SHORT: 2})
LEGS = MappingProxyType({number: leg for leg, number in INDEXES.items()})


def category_of_symbol(symbol: str) -> str:
    """Returns spot or linear."""
    return "linear" if ":" in symbol else "spot"


def side_text(side: Side) -> str:
    """Returns Buy or Sell."""
    return "Buy" if side is Side.BUY else "Sell"


def parse_category(params: Mapping[str, Any]) -> str:
    """Returns the category of a request. Raises ``ApiError``."""
    category = params.get("category", "")
    if category not in CATEGORIES:
        raise invalid_request("Illegal category")
    return str(category)


def instruments_of_category(
    instruments: Mapping[str, Instrument], category: str
) -> list[Instrument]:
    """Returns the instruments of a category."""
    kind = {"spot": InstrumentKind.SPOT, "linear": InstrumentKind.LINEAR}.get(category)
    return [each for each in instruments.values() if each.kind is kind]


def find_instrument(
    instruments: Mapping[str, Instrument], category: str, params: Mapping[str, Any]
) -> Instrument:
    """Returns the instrument of a request. Raises ``ApiError``."""
    name = params.get("symbol", "")
    for instrument in instruments_of_category(instruments, category):
        if market_id(instrument.symbol) == name:
            return instrument
    if category == "spot":
        raise ApiError(170121, "Invalid symbol.")
    raise invalid_request("symbol invalid" if name else "symbol can not be empty")


def parse_number(params: Mapping[str, Any], name: str) -> Decimal | None:
    """Returns a number; ``None`` if it is missing, empty or zero. Raises ``ApiError``."""
    value = params.get(name)
    if value in (None, ""):
        return None
    try:
        number = parse_decimal(str(value))
    except NotADecimal:
        raise invalid_request(f"{name} invalid") from None
    return number or None


def parse_limit(params: Mapping[str, Any], default: int, maximum: int) -> int:
    """Returns the page size of a request."""
    limit = str(params.get("limit", ""))
    return max(1, min(int(limit), maximum)) if limit.isdigit() else default
