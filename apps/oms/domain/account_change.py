"""Rules for changes of an account's settings."""

from collections.abc import Set

from oms.domain.errors import Refused
from oms.domain.value import value

#: Settings that trading does not use: their change leaves the account loaded.
DISPLAY_FIELDS = frozenset({"label", "trader_name"})
#: Settings that are only valid together.
ENGINE_FIELDS = frozenset({"exchange_id", "environment", "is_testnet", "extra_config"})


@value
class AccountUsage:
    """What an account has traded and holds."""

    has_orders: bool
    has_open_orders: bool
    has_open_positions: bool


def affects_trading(changed: Set[str]) -> bool:
    """Whether a worker must load the account again after a change of these fields."""
    return not changed <= DISPLAY_FIELDS


def refuse_account_change(changed: Set[str], usage: AccountUsage) -> Refused | None:
    """Return why these fields cannot be changed, ``None`` if they can."""
    if changed & {"exchange_id", "is_testnet"} and usage.has_orders:
        message = "exchange_id and is_testnet change only before the first order"
        return Refused(code="conflict", message=message)
    if "position_mode" in changed and (usage.has_open_orders or usage.has_open_positions):
        message = "position_mode changes only while flat and without open orders"
        return Refused(code="conflict", message=message)
    return None
