"""ccxt's own module, changed so that programs written for ccxt trade through the gateway.

*safe* adds ``ccxt.oms_exchange(config)``; *aggressive* also puts the driver's classes in the place
of the exchange ids that are named. ``python -m ccxt_driver.autopatch install`` has this done at
every start of Python, if the environment says so. ccxt is not imported before the program does.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from ccxt_driver.import_hook import run_after_import

SAFE, AGGRESSIVE = MODES = ("safe", "aggressive")

_YES = frozenset({"1", "true", "yes", "on"})
_SWITCH, _MODE, _OVERRIDES = (
    "CCXT_OMS_AUTOPATCH",
    "CCXT_OMS_AUTOPATCH_MODE",
    "CCXT_OMS_OVERRIDE_EXCHANGES",
)
#: Where a config lacks something, by both of its spellings there.
_ENVIRONMENT = {
    ("api_key", "apiKey"): "CCXT_OMS_API_KEY",
    ("account_id", "accountId"): "CCXT_OMS_ACCOUNT_ID",
    ("strategy_id", "strategyId"): "CCXT_OMS_STRATEGY_ID",
    ("base_url", "baseUrl"): "CCXT_OMS_BASE_URL",
}


def oms_exchange(config: Mapping[str, Any] | None = None) -> Any:
    """A synchronous exchange object; what ``config`` lacks comes from the environment.

    Raises ``RuntimeError`` if there is no key or no account.
    """
    return import_module("ccxt_driver").OmsCcxtExchange(complete_config(config))


def complete_config(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """A ccxt config with what the environment adds to it."""
    told = dict(config or {})
    for spellings, name in _ENVIRONMENT.items():
        given = os.environ.get(name)
        if given and not any(told.get(spelling) for spelling in spellings):
            told[spellings[0]] = given
    return told


def patch_ccxt(*, mode: str = SAFE, overrides: Iterable[str] = ()) -> bool:
    """Change ccxt, importing it if need be; ``False`` if that was done before.

    Raises ``ValueError`` for an unknown mode.
    """
    _judge(mode)
    return _patch(import_module("ccxt"), mode, tuple(overrides))


def apply_from_env() -> bool:
    """Change ccxt as the environment says, once it is imported; ``False``: nothing to do.

    Raises ``ValueError`` for an unknown mode.
    """
    if os.environ.get(_SWITCH, "").strip().lower() not in _YES:
        return False
    mode = _judge(os.environ.get(_MODE, "").strip().lower() or SAFE)
    overrides = tuple(parse_ids(os.environ.get(_OVERRIDES, "")))
    loaded = sys.modules.get("ccxt")
    if loaded is not None:
        return _patch(loaded, mode, overrides)
    run_after_import("ccxt", lambda ccxt: _ignore(_patch(ccxt, mode, overrides)))
    return True


def parse_ids(text: str) -> list[str]:
    """Exchange ids in a list with commas."""
    return [word for word in text.replace(",", " ").split() if word]


def _patch(ccxt: ModuleType, mode: str, overrides: tuple[str, ...]) -> bool:
    told: Any = ccxt
    if getattr(told, "_ccxt_oms_autopatched", False):
        return False
    told.oms_exchange = oms_exchange
    exchange = getattr(told, "Exchange", None)
    if exchange is not None:
        exchange.oms_exchange = staticmethod(oms_exchange)
    told._ccxt_oms_autopatched = True
    told._ccxt_oms_autopatch_mode = mode
    if mode == AGGRESSIVE and overrides:
        _replace(ccxt, overrides, "OmsCcxtExchange")
        for name in ("ccxt.async_support", "ccxt.pro"):
            run_after_import(
                name, lambda module: _replace(module, overrides, "OmsCcxtAsyncExchange")
            )
    return True


def _replace(module: ModuleType, ids: Iterable[str], class_name: str) -> None:
    """Put the driver's class in the place of the exchanges that the module knows."""
    for exchange_id in ids:
        if hasattr(module, exchange_id):
            setattr(module, exchange_id, _stand_in(exchange_id, class_name))


def _stand_in(exchange_id: str, class_name: str) -> type:
    """A class that is made with a ccxt config, as the one whose place it takes."""
    driver: Any = getattr(import_module("ccxt_driver"), class_name)

    def __init__(self: Any, config: Mapping[str, Any] | None = None, /, **keywords: Any) -> None:
        driver.__init__(self, complete_config(config), **keywords)

    about = {"__init__": __init__, "__module__": __name__, "__doc__": driver.__doc__}
    return type(exchange_id, (driver,), about)


def _judge(mode: str) -> str:
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
    return mode


def _ignore(patched: bool) -> None:
    """Nobody is told: it was patched before, or it is now."""
