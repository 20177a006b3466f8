"""Symbols, categories and words of the Bybit dialect, both ways."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from loopback.bybit.errors import Refusal, bad
from oms.domain.instrument import Instrument, Kind
from oms.domain.money import NotADecimal, decimal, plain
from oms.domain.order import Side
from oms.simulation.memory import Leg

Json = dict[str, Any]

CATEGORIES = ("spot", "linear", "inverse", "option")
SIDES = MappingProxyType({"Buy": Side.BUY, "Sell": Side.SELL})
INDEXES = MappingProxyType({Leg.BOTH: 0, Leg.LONG: 1, Leg.SHORT: 2})
LEGS = MappingProxyType({number: leg for leg, number in INDEXES.items()})


def category_of(symbol: str) -> str:
    """Spot or linear."""
    return "linear" if ":" in symbol else "spot"


def id_of(symbol: str) -> str:
    """BTC/USDT:USDT → BTCUSDT."""
    return symbol.partition(":")[0].replace("/", "")


def side_text(side: Side) -> str:
    """Buy or Sell."""
    return "Buy" if side is Side.BUY else "Sell"


def category_in(params: Mapping[str, Any]) -> str:
    """The category that a request names. Raises ``Refusal``."""
    category = params.get("category", "")
    if category not in CATEGORIES:
        raise bad("Illegal category")
    return str(category)


def listed(instruments: Mapping[str, Instrument], category: str) -> list[Instrument]:
    """The instruments of a category."""
    kind = {"spot": Kind.SPOT, "linear": Kind.LINEAR}.get(category)
    return [each for each in instruments.values() if each.kind is kind]


def instrument_in(
    instruments: Mapping[str, Instrument], category: str, params: Mapping[str, Any]
) -> Instrument:
    """The instrument that a request names. Raises ``Refusal``."""
    name = params.get("symbol", "")
    for instrument in listed(instruments, category):
        if id_of(instrument.symbol) == name:
            return instrument
    if category == "spot":
        raise Refusal(170121, "Invalid symbol.")
    raise bad("symbol invalid" if name else "symbol can not be empty")


def number_in(params: Mapping[str, Any], name: str) -> Decimal | None:
    """A number of a request; ``None`` if it is not there, empty or zero. Raises ``Refusal``."""
    told = params.get(name)
    if told in (None, ""):
        return None
    try:
        number = decimal(str(told))
    except NotADecimal:
        raise bad(f"{name} invalid") from None
    return number or None


def limit_in(params: Mapping[str, Any], usual: int, most: int) -> int:
    """The page size of a request."""
    told = str(params.get("limit", ""))
    return max(1, min(int(told), most)) if told.isdigit() else usual


def text(number: Decimal | None, empty: str = "") -> str:
    """A number as Bybit writes it."""
    return empty if number is None else plain(number)


def compact(told: Json) -> str:
    """JSON as Bybit writes it: without blanks."""
    return json.dumps(told, separators=(",", ":"))


def ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp() * 1000)
