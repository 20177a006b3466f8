"""What a control request must and may say."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from loopback.venue import Venue
from oms.domain.money import NotADecimal, decimal
from oms.domain.order import Side


class Wrong(ValueError):
    """The request cannot be understood."""


def number(told: Mapping[str, Any], name: str) -> Decimal:
    """A number. Raises ``Wrong``."""
    found = number_or_none(told, name)
    if found is None:
        raise Wrong(f"{name} is missing")
    return found


def number_or_none(told: Mapping[str, Any], name: str) -> Decimal | None:
    """A number that need not be there. Raises ``Wrong``."""
    if told.get(name) is None:
        return None
    try:
        return decimal(str(told[name]))
    except NotADecimal:
        raise Wrong(f"{name} must be a number") from None


def symbol(venue: Venue, told: Mapping[str, Any]) -> str:
    """A unified symbol. Raises ``Wrong``."""
    name = str(told.get("symbol", ""))
    if name not in venue.instruments:
        raise Wrong(f"symbol must be one of {', '.join(venue.instruments)}")
    return name


def side(told: Mapping[str, Any]) -> Side:
    """buy or sell. Raises ``Wrong``."""
    try:
        return Side(str(told.get("side", "")).lower())
    except ValueError:
        raise Wrong("side must be buy or sell") from None


def key(venue: Venue, told: Mapping[str, Any]) -> str:
    """A key; the first one where none is told. Raises ``Wrong``."""
    name = str(told.get("key") or next(iter(venue.keys)))
    if name not in venue.keys:
        raise Wrong(f"key must be one of {', '.join(venue.keys)}")
    return name
