"""Names of methods in ccxt's two spellings, which of them trade, and names of order types."""

import re
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar, cast

_TRADING = ("create", "edit", "cancel", "close_position", "close_all_positions")
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
#: Words of exchanges that programs written for one of them say, and the gateway's.
_ORDER_TYPES = {"stop_loss_limit": "stop_limit"}
_ALL_CAPITALS = frozenset({"ohlcv"})

Function = TypeVar("Function", bound=Callable[..., Any])


def snake_case(name: str) -> str:
    """``fetchMyTrades`` and ``fetchOHLCV`` as ``fetch_my_trades`` and ``fetch_ohlcv``."""
    return _WORD_ENDS.sub("_", name).lower()


def camel_case(name: str) -> str:
    """``fetch_my_trades`` and ``fetch_ohlcv`` as ``fetchMyTrades`` and ``fetchOHLCV``."""
    first, *others = name.split("_")
    return first + "".join(
        word.upper() if word in _ALL_CAPITALS else word.capitalize() for word in others
    )


def is_trading(name: str) -> bool:
    """Whether a method of that name, in either spelling, makes, changes or ends orders."""
    return snake_case(name).startswith(_TRADING)


def gateway_order_type(told: object) -> str:
    """The gateway's word for an order type; one that is unknown here goes as it is."""
    word = str(told).lower()
    return _ORDER_TYPES.get(word, word)


def keyword_aliases(**names: str) -> Callable[[Function], Function]:
    """Lets callers of a method use other keywords: ``id="order_id"`` takes both."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def respelled(*args: Any, **keywords: Any) -> Any:
            for name, other in names.items():
                if other in keywords:
                    if name in keywords:
                        raise TypeError(f"{function.__name__}: {name} and {other} are the same")
                    keywords[name] = keywords.pop(other)
            return function(*args, **keywords)

        return cast(Function, respelled)

    return decorate


class CamelCaseAliases:
    """Gives each public method of a subclass its camelCase name; both are one function."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, member in list(vars(cls).items()):
            if isinstance(member, FunctionType) and not name.startswith("_"):
                setattr(cls, camel_case(name), member)
