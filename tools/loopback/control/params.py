"""Parsing of the parameters of control requests."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from loopback.exchange.venue import Venue
from oms.domain.money import NotADecimal, parse_decimal
from oms.domain.orders.order import Side


class InvalidParameter(ValueError):
    """A parameter is missing or invalid."""


def parse_number(body: Mapping[str, Any], name: str) -> Decimal:
    """Returns a required number. Raises ``InvalidParameter``."""
    number = parse_optional_number(body, name)
    if number is None:
        raise InvalidParameter(f"{name} is missing")
    return number


def parse_optional_number(body: Mapping[str, Any], name: str) -> Decimal | None:
    """Returns a number, or ``None`` if it is missing. Raises ``InvalidParameter``."""
    if body.get(name) is None:
        return None
    try:
        return parse_decimal(str(body[name]))
    except NotADecimal:
        raise InvalidParameter(f"{name} must be a number") from None


def parse_symbol(venue: Venue, body: Mapping[str, Any]) -> str:
    """Returns a unified symbol. Raises ``InvalidParameter``."""
    name = str(body.get("symbol", ""))
    if name not in venue.instruments:
        raise InvalidParameter(f"symbol must be one of {', '.join(venue.instruments)}")
    return name


def parse_side(body: Mapping[str, Any]) -> Side:
    """Returns a side. Raises ``InvalidParameter``."""
    try:
        return Side(str(body.get("side", "")).lower())
    except ValueError:
        raise InvalidParameter("side must be buy or sell") from None


def parse_key(venue: Venue, body: Mapping[str, Any]) -> str:
    """Returns the name of an API key; by default of the first one. Raises ``InvalidParameter``."""
    name = str(body.get("key") or next(iter(venue.keys)))
    if name not in venue.keys:
        raise InvalidParameter(f"key must be one of {', '.join(venue.keys)}")
    return name
