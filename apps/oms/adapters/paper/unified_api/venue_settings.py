"""Settings of an account that ccxt reads by a method of one exchange only.

A program for that exchange asks for them before it trades. The answers are those of the exchange.
"""

from collections.abc import Awaitable, Callable, Mapping

from oms.adapters.paper.unified_api.account_reads import AccountReads
from oms.adapters.paper.unified_api.structures import Structure

_Method = Callable[..., Awaitable[object]]


async def position_side_dual(reads: AccountReads, params: object = None) -> Structure:
    """Returns whether contracts have two legs, as Binance does."""
    return {"dualSidePosition": reads.settings.hedge}


async def multi_assets_margin(reads: AccountReads, params: object = None) -> Structure:
    """Returns that a contract uses the balance of its settlement currency only, as Binance does."""
    return {"multiAssetsMargin": False}


async def is_unified_enabled(reads: AccountReads, params: object = None) -> list[bool]:
    """Returns that spot and contracts share one wallet, as ccxt does for Bybit.

    The second value is that of the present unified accounts, the first one of those before them.
    """
    return [False, True]


FUNCTIONS: Mapping[str, Mapping[str, _Method]] = {
    "binance": {
        "fapi_private_get_position_side_dual": position_side_dual,
        "fapi_private_get_multi_assets_margin": multi_assets_margin,
    },
    "bybit": {"is_unified_enabled": is_unified_enabled},
}
"""Methods by exchange and name."""
