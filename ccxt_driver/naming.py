"""Method names in ccxt's two spellings, which of them trade, and names of order types."""

import re
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar, cast

_TRADING = ("create", "edit", "cancel", "close_position", "close_all_positions")
#: ccxt's methods that are called on the account's exchange, beside those which trade.
_REMOTE = re.compile(
    r"(?:fetch|load|set|add|reduce|borrow|repay|transfer|withdraw|deposit|redeem|enable|watch"
    r"|un_watch|calculate|sign|request)(?:_\w+)?|limits|precision_mode|status|id|name"
    r"|is_unified_enabled"
)
#: The raw requests that the gateway answers: settings of the account.
_ANSWERED_IMPLICIT = frozenset(
    {"fapi_private_get_position_side_dual", "fapi_private_get_multi_assets_margin"}
)
_IMPLICIT = re.compile(r"^[a-z0-9]+_(?:\w+_)?(?:get|post|put|delete|patch)(?:_|$)")
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
#: The gateway's names of order types.
GATEWAY_ORDER_TYPES = frozenset(
    {
        *("market", "limit", "stop_market", "stop_limit", "take_profit_market"),
        *("take_profit_limit", "trailing_stop"),
    }
)
#: Order types in the spelling of single exchanges, and the gateway's name.
_ORDER_TYPES = {"stop_loss_limit": "stop_limit"}
_ALL_CAPITALS = frozenset({"ohlcv"})

Function = TypeVar("Function", bound=Callable[..., Any])


def snake_case(name: str) -> str:
    """Returns ``fetch_my_trades`` for ``fetchMyTrades``, ``fetch_ohlcv`` for ``fetchOHLCV``."""
    return _WORD_ENDS.sub("_", name).lower()


def camel_case(name: str) -> str:
    """Returns ``fetchMyTrades`` for ``fetch_my_trades``, ``fetchOHLCV`` for ``fetch_ohlcv``."""
    first, *others = name.split("_")
    return first + "".join(
        word.upper() if word in _ALL_CAPITALS else word.capitalize() for word in others
    )


def is_trading(name: str) -> bool:
    """Whether a method of that name, in either spelling, creates, changes or cancels orders."""
    return snake_case(name).startswith(_TRADING)


def is_remote(name: str) -> bool:
    """Whether a name, in either spelling, may be a method or attribute that the gateway answers."""
    plain_name = snake_case(name)
    return plain_name in _ANSWERED_IMPLICIT or _REMOTE.fullmatch(plain_name) is not None


def is_implicit(name: str) -> bool:
    """Whether a name is like those of ccxt's raw requests: ``public_get_ticker``."""
    return _IMPLICIT.search(snake_case(name)) is not None


def gateway_order_type(order_type: object) -> str:
    """Returns the gateway's name of an order type; unknown ones are only lower-cased."""
    name = str(order_type).lower()
    return _ORDER_TYPES.get(name, name)


def keyword_aliases(**names: str) -> Callable[[Function], Function]:
    """Returns a decorator that accepts other keywords: ``id="order_id"`` accepts both names."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def wrapper(*args: Any, **keywords: Any) -> Any:
            for name, alias in names.items():
                if alias in keywords:
                    if name in keywords:
                        raise TypeError(f"{function.__name__}: {name} and {alias} are the same")
                    keywords[name] = keywords.pop(alias)
            return function(*args, **keywords)

        return cast(Function, wrapper)

    return decorate


class CamelCaseAliases:
    """Adds a camelCase alias for each public method of a subclass."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, member in list(vars(cls).items()):
            if isinstance(member, FunctionType) and not name.startswith("_"):
                setattr(cls, camel_case(name), member)
