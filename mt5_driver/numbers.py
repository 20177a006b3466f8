"""Numbers and times between the gateway's text, decimals, and the floats of the package."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from numbers import Integral, Real
from operator import index
from typing import Any

import numpy as np

from ccxt_driver.wire import format_decimal
from mt5_driver.errors import invalid_argument

#: Numbers of callers are below 10 to this power: of volumes and prices none is larger.
_POWER_MAX = 18
_SECONDS_MAX = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def read_decimal(value: Any) -> Decimal | None:
    """Returns a number of a response as decimal; ``None`` for null."""
    return None if value is None else Decimal(str(value))


def surface(value: Decimal | str | None) -> float:
    """Returns a number as the package gives it; 0.0 for what is not known."""
    return 0.0 if value is None else float(value)


def exact(value: Any, name: str) -> Decimal:
    """Returns a float of a caller by its shortest text: 0.1 is 0.1. Raises ``CallFailed``."""
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise invalid_argument(name)
    try:
        number = Decimal(format_decimal(str(value) if isinstance(value, np.floating) else value))
    except ValueError:
        raise invalid_argument(name) from None
    if number.adjusted() >= _POWER_MAX:
        raise invalid_argument(name)
    return number


def whole(value: Any, name: str) -> int:
    """Returns an integer of a caller, also of numpy. Raises ``CallFailed``."""
    if isinstance(value, Integral):
        return index(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise invalid_argument(name)


def decimal_text(value: Decimal) -> str:
    """Returns the plain text of a decimal, as requests to the gateway have it."""
    return format_decimal(value)


def round_to(value: Decimal, step: Decimal) -> Decimal:
    """Returns the multiple of ``step`` that is nearest; halves away from zero."""
    return (value / step).to_integral_value(ROUND_HALF_UP) * step


def to_seconds(value: Any, name: str) -> float:
    """Returns a time of a caller in seconds since 1970.

    A ``datetime`` without a zone is local time, as in Python. Raises ``CallFailed``, also for years
    that a ``datetime`` does not have.
    """
    try:
        is_date = isinstance(value, datetime)
        seconds = value.timestamp() if is_date else float(exact(value, name))
    except (ValueError, OverflowError, OSError):
        raise invalid_argument(name) from None
    if abs(seconds) > _SECONDS_MAX:
        raise invalid_argument(name)
    return seconds


def rfc3339(seconds: float) -> str:
    """Returns a time in the text of the gateway."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
