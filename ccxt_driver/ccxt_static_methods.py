"""Static functions of ccxt's ``Exchange`` class, which programs call on an exchange object.

Functions of time are implemented here. The others are ccxt's own static methods; ccxt is imported
on the first use of one, because ``import ccxt`` is slow.
"""

import re
import time
from collections.abc import Callable
from importlib import import_module
from inspect import getattr_static
from types import FunctionType, MethodType
from typing import Any

from ccxt_driver import wire
from ccxt_driver.naming import camel_case, snake_case

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
_TIMEFRAME = re.compile(r"(\d+)([smhdwMy])")
#: ccxt's static methods that are exposed: pure functions of their arguments.
_CCXT_FUNCTIONS = re.compile(
    r"safe_\w+|(?:deep_)?extend|omit(?:_zero)?|keysort|sort_by(?:_2)?|index_by(?:_safe)?|group_by"
    r"|filter_by|pluck|sum|to_array|unique|aggregate|is_empty|in_array|array_concat|merge"
    r"|parse_date|ymd|yymmdd|parse_number|build_ohlcvc|parse_to_\w+|is_dictionary|is_array"
    r"|yyyymmdd|ymdhms|uuid\d*|round_timeframe|capitalize|json|unjson|flatten"
)


def static_method(name: str, owner: Any = None) -> Callable[..., Any] | None:
    """Returns the function of that name, in either spelling; ``None`` for any other name.

    Some are methods in ccxt: these work on ``owner``.
    """
    plain_name = snake_case(name)
    own = _OWN_FUNCTIONS.get(plain_name)
    if own is not None:
        return own
    if not _CCXT_FUNCTIONS.fullmatch(plain_name):
        return None
    exchange = import_module("ccxt").Exchange
    for spelling in (name, plain_name, camel_case(plain_name)):
        member = getattr_static(exchange, spelling, None)
        if isinstance(member, staticmethod):
            function: Callable[..., Any] = member.__func__
            return function
        if isinstance(member, FunctionType) and owner is not None:
            return MethodType(member, owner)  # it uses nothing but other functions of this list
    return None


def parse_timeframe(timeframe: str) -> int:
    """Returns the seconds of a timeframe such as ``5m``. Raises ``ValueError``."""
    match = _TIMEFRAME.fullmatch(timeframe)
    if match is None:
        raise ValueError(f"{timeframe!r} is not a timeframe such as 5m")
    return int(match[1]) * _SECONDS[match[2]]


def number_to_string(number: Any) -> str | None:
    """Returns a number in plain notation; ``None`` for ``None``."""
    return None if number is None else wire.format_decimal(number)


def precision_from_string(text: str) -> int:
    """Returns the decimal places of a number such as ``0.001`` or ``1e-3``."""
    if "e" in text.lower():
        return -int(text.lower().partition("e")[2])
    return len(text.rstrip("0").partition(".")[2])


def decimal_to_precision(number: Any, *args: Any, **keywords: Any) -> str:
    """ccxt's function of that name."""
    function = import_module("ccxt.base.decimal_to_precision").decimal_to_precision
    return str(function(number, *args, **keywords))


_OWN_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "nonce": lambda: int(time.time()),
    "number_to_string": number_to_string,
    "precision_from_string": precision_from_string,
    "decimal_to_precision": decimal_to_precision,
    "milliseconds": lambda: time.time_ns() // 1_000_000,
    "microseconds": lambda: time.time_ns() // 1_000,
    "seconds": lambda: int(time.time()),
    "iso8601": wire.iso8601,
    "parse8601": wire.parse_milliseconds,
    "parse_timeframe": parse_timeframe,
}
