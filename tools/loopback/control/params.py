"""What a control request must and may say."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from loopback.exchange.venue import Venue
from oms.domain.money import NotADecimal, parse_decimal
from oms.domain.orders.order import Side


class InvalidParameter(ValueError):
    """The request cannot be understood."""


def parse_number(told: Mapping[str, Any], name: str) -> Decimal:
    """A number. Raises ``Wrong``."""
    found = parse_optional_number(told, name)
    if found is None:
        raise InvalidParameter(f"{name} is missing")
    return found


def parse_optional_number(told: Mapping[str, Any], name: str) -> Decimal | None:
    """A number that need not be there. Raises ``Wrong``."""
    if told.get(name) is None:
        return None
    try:
        return parse_decimal(str(told[name]))
    except NotADecimal:
        raise InvalidParameter(f"{name} must be a number") from None


def parse_symbol(venue: Venue, told: Mapping[str, Any]) -> str:
    """A unified symbol. Raises ``Wrong``."""
    name = str(told.get("symbol", ""))
    if name not in venue.instruments:
        raise InvalidParameter(f"symbol must be one of {', '.join(venue.instruments)}")
    return name


def parse_side(told: Mapping[str, Any]) -> Side:
    """buy or sell. Raises ``Wrong``."""
    try:
        return Side(str(told.get("side", "")).lower())
    except ValueError:
        raise InvalidParameter("side must be buy or sell") from None


def parse_key(venue: Venue, told: Mapping[str, Any]) -> str:
    """A key; the first one where none is told. Raises ``Wrong``."""
    name = str(told.get("key") or next(iter(venue.keys)))
    if name not in venue.keys:
        raise InvalidParameter(f"key must be one of {', '.join(venue.keys)}")
    return name
