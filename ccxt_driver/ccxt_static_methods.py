"""Static functions of ccxt's ``Exchange`` class, which programs call on an exchange object.

Functions of time are implemented here. The others are ccxt's own static methods; ccxt is imported
on the first use of one, because ``import ccxt`` is slow.
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
#: ccxt's static methods that are exposed: pure functions of their arguments.
_CCXT_FUNCTIONS = re.compile(
    r"safe_\w+|(?:deep_)?extend|omit(?:_zero)?|keysort|sort_by(?:_2)?|index_by(?:_safe)?|group_by"
    r"|filter_by|pluck|sum|to_array|unique|aggregate|is_empty|in_array|array_concat|merge"
    r"|number_to_string|decimal_to_precision|precision_from_string|parse_date|ymd|yymmdd"
    r"|yyyymmdd|ymdhms|uuid\d*|round_timeframe|capitalize|json|unjson|flatten"
)


def static_method(name: str) -> Callable[..., Any] | None:
    """Returns the function of that name, in either spelling; ``None`` for any other name."""
    plain_name = snake_case(name)
    own = _OWN_FUNCTIONS.get(plain_name)
    if own is not None:
        return own
    if not _CCXT_FUNCTIONS.fullmatch(plain_name):
        return None
    exchange = import_module("ccxt").Exchange
    for spelling in (name, plain_name, camel_case(plain_name)):
        if isinstance(getattr_static(exchange, spelling, None), staticmethod):
            function: Callable[..., Any] = getattr(exchange, spelling)
            return function
    return None


def parse_timeframe(timeframe: str) -> int:
    """Returns the seconds of a timeframe such as ``5m``. Raises ``ValueError``."""
    match = _TIMEFRAME.fullmatch(timeframe)
    if match is None:
        raise ValueError(f"{timeframe!r} is not a timeframe such as 5m")
    return int(match[1]) * _SECONDS[match[2]]


_OWN_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "milliseconds": lambda: time.time_ns() // 1_000_000,
    "microseconds": lambda: time.time_ns() // 1_000,
    "seconds": lambda: int(time.time()),
    "iso8601": wire.iso8601,
    "parse8601": wire.parse_milliseconds,
    "parse_timeframe": parse_timeframe,
}
