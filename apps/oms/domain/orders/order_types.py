"""Order types: the one table of their names, required prices and MetaTrader types."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from oms.domain.value import value


class TriggerKind(StrEnum):
    """The direction in which the price triggers an order."""

    STOP = "stop"
    TAKE_PROFIT = "take_profit"


@value
class OrderType:
    """One order type; quantities and prices of orders are checked against it."""

    name: str
    #: Whether an order of the type has a limit price.
    is_limit: bool = False
    trigger: TriggerKind | None = None
    #: Whether the trigger follows the price at a distance instead of being a fixed price.
    is_trailing: bool = False
    #: MetaTrader's ORDER_TYPE of a buy and of a sell.
    mt5_types: tuple[int, int]
    #: Other names that clients use.
    aliases: tuple[str, ...] = ()

    @property
    def base_type(self) -> str:
        """Return the type without its trigger, as ccxt names it: ``limit`` or ``market``."""
        return "limit" if self.is_limit else "market"

    @property
    def needs_trigger_price(self) -> bool:
        """Return whether an order of the type has a trigger price."""
        return self.trigger is not None and not self.is_trailing


_STOP, _TAKE_PROFIT = TriggerKind.STOP, TriggerKind.TAKE_PROFIT
_TABLE = (
    OrderType(name="market", mt5_types=(0, 1)),
    OrderType(name="limit", is_limit=True, mt5_types=(2, 3)),
    OrderType(name="stop_market", trigger=_STOP, mt5_types=(4, 5), aliases=("stop", "stop_loss")),
    OrderType(name="stop_limit", is_limit=True, trigger=_STOP, mt5_types=(6, 7)),
    OrderType(
        name="take_profit_market",
        trigger=_TAKE_PROFIT,
        mt5_types=(2, 3),  # a take-profit waits on the side of a limit order
        aliases=("take_profit",),
    ),
    OrderType(name="take_profit_limit", is_limit=True, trigger=_TAKE_PROFIT, mt5_types=(2, 3)),
    OrderType(name="trailing_stop", trigger=_STOP, is_trailing=True, mt5_types=(4, 5)),
)

ORDER_TYPES: Mapping[str, OrderType] = MappingProxyType({each.name: each for each in _TABLE})
"""All order types by name; every engine accepts them, natively or emulated."""

ORDER_TYPE_NAMES: Mapping[str, str] = MappingProxyType(
    {alias: each.name for each in _TABLE for alias in (each.name, *each.aliases)}
)
"""The name of each order type by name or alias."""

LIMIT_TYPES = frozenset(each.name for each in _TABLE if each.is_limit)
"""Names of the types with a limit price."""

TRIGGERED_TYPES = frozenset(each.name for each in _TABLE if each.needs_trigger_price)
"""Names of the types with a trigger price."""

TAKE_PROFIT_TYPES = frozenset(each.name for each in _TABLE if each.trigger is _TAKE_PROFIT)
"""Names of the types that trigger when the price has moved in favour of the position."""

OCO_PARAM = "oco"
"""Parameter of a limit order: the stop that its first fill cancels, and that cancels it."""

TRAILING_STOP = "trailing_stop"

WAITING_TYPES = TRIGGERED_TYPES | {TRAILING_STOP}
"""Names of the types that wait for a trigger, at a fixed price or at a distance."""


def conditional_type(base_type: str, trigger: TriggerKind) -> str:
    """Return the name of the type that ``trigger`` makes of ``market`` or ``limit``."""
    return next(
        each.name
        for each in _TABLE
        if each.base_type == base_type and each.trigger is trigger and not each.is_trailing
    )
