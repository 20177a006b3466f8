"""Small functions that ccxt's users call on an exchange object, although no exchange is asked.

Those of time are made here. The rest are ccxt's own static functions, found when one is wanted,
because ``import ccxt`` takes its time.
"""

import re
import time
from collections.abc import Callable
from importlib import import_module
from inspect import getattr_static
from typing import Any

from ccxt_driver import wire
from ccxt_driver.naming import camel_case, snake_case

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
_TIMEFRAME = re.compile(r"(\d+)([smhdwMy])")
#: ccxt's own that may be lent: pure functions of their arguments.
_THEIRS = re.compile(
    r"safe_\w+|(?:deep_)?extend|omit(?:_zero)?|keysort|sort_by(?:_2)?|index_by(?:_safe)?|group_by"
    r"|filter_by|pluck|sum|to_array|unique|aggregate|is_empty|in_array|array_concat|merge"
    r"|number_to_string|decimal_to_precision|precision_from_string|parse_date|ymd|yymmdd"
    r"|yyyymmdd|ymdhms|uuid\d*|round_timeframe|capitalize|json|unjson|flatten"
)


def static_method(name: str) -> Callable[..., Any] | None:
    """The function of that name, in either spelling; ``None`` if it is none of these."""
    plain_name = snake_case(name)
    own = _OWN.get(plain_name)
    if own is not None:
        return own
    if not _THEIRS.fullmatch(plain_name):
        return None
    exchange = import_module("ccxt").Exchange
    for spelling in (name, plain_name, camel_case(plain_name)):
        if isinstance(getattr_static(exchange, spelling, None), staticmethod):
            found: Callable[..., Any] = getattr(exchange, spelling)
            return found
    return None


def parse_timeframe(timeframe: str) -> int:
    """Seconds in a timeframe such as ``5m``. Raises ``ValueError``."""
    read = _TIMEFRAME.fullmatch(timeframe)
    if read is None:
        raise ValueError(f"{timeframe!r} is no timeframe such as 5m")
    return int(read[1]) * _SECONDS[read[2]]


_OWN: dict[str, Callable[..., Any]] = {
    "milliseconds": lambda: time.time_ns() // 1_000_000,
    "microseconds": lambda: time.time_ns() // 1_000,
    "seconds": lambda: int(time.time()),
    "iso8601": wire.iso8601,
    "parse8601": wire.parse_milliseconds,
    "parse_timeframe": parse_timeframe,
}
