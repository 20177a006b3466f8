"""Patches the ccxt module so that programs written for ccxt trade through the gateway.

*safe* adds ``ccxt.oms_exchange(config)``; *aggressive* also replaces the classes of the given
exchange ids by those of the driver. ``python -m ccxt_driver.autopatch install`` makes every start
of Python apply this patch if the environment variables enable it. ccxt itself is not imported
before the program imports it.

Installed start-up files import ``apply_from_env`` from here: this module must keep its name.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from ccxt_driver.config import named_fields
from ccxt_driver.import_hook import run_after_import

SAFE, AGGRESSIVE = MODES = ("safe", "aggressive")

_TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
_SWITCH, _MODE, _OVERRIDES = (
    "CCXT_OMS_AUTOPATCH",
    "CCXT_OMS_AUTOPATCH_MODE",
    "CCXT_OMS_OVERRIDE_EXCHANGES",
)
#: Environment variables that complete a config, by field.
_ENVIRONMENT = {
    "api_key": "CCXT_OMS_API_KEY",
    "account_id": "CCXT_OMS_ACCOUNT_ID",
    "strategy_id": "CCXT_OMS_STRATEGY_ID",
    "base_url": "CCXT_OMS_BASE_URL",
}


def oms_exchange(config: Mapping[str, Any] | None = None) -> Any:
    """Returns a synchronous exchange object; environment variables complete ``config``.

    Raises ``RuntimeError`` without a key or an account.
    """
    return import_module("ccxt_driver").OmsCcxtExchange(complete_config(config))


def complete_config(
    config: Mapping[str, Any] | None, exchange_id: str | None = None
) -> dict[str, Any]:
    """Returns a copy of a ccxt config, completed by environment variables.

    ``exchange_id`` is the class of ccxt that the object stands for.
    """
    completed = dict(config or {})
    named = named_fields(completed)
    for field, name in _ENVIRONMENT.items():
        value = os.environ.get(name)
        if value and field not in named:
            completed[field] = value
    if exchange_id is not None:
        options = dict(completed.get("options") or {})
        options["oms"] = {"exchange": exchange_id, **(options.get("oms") or {})}
        completed["options"] = options
    return completed


def patch_ccxt(*, mode: str = SAFE, overrides: Iterable[str] = ()) -> bool:
    """Patches ccxt, importing it if necessary; returns ``False`` if it was patched before.

    Raises ``ValueError`` for an unknown mode.
    """
    _check_mode(mode)
    return _patch(import_module("ccxt"), mode, tuple(overrides))


def apply_from_env() -> bool:
    """Patches ccxt as environment variables say, now or after its import.

    Returns ``False`` if there is nothing to do. Raises ``ValueError`` for an unknown mode.
    """
    if os.environ.get(_SWITCH, "").strip().lower() not in _TRUE_WORDS:
        return False
    mode = _check_mode(os.environ.get(_MODE, "").strip().lower() or SAFE)
    overrides = tuple(parse_ids(os.environ.get(_OVERRIDES, "")))
    loaded = sys.modules.get("ccxt")
    if loaded is not None:
        return _patch(loaded, mode, overrides)

    def patch(ccxt: ModuleType) -> None:
        _patch(ccxt, mode, overrides)

    run_after_import("ccxt", patch)
    return True


def parse_ids(text: str) -> list[str]:
    """Returns the exchange ids of a comma-separated list."""
    return [word for word in text.replace(",", " ").split() if word]


def _patch(ccxt: ModuleType, mode: str, overrides: tuple[str, ...]) -> bool:
    module: Any = ccxt
    if getattr(module, "_ccxt_oms_autopatched", False):
        return False
    module.oms_exchange = oms_exchange
    exchange = getattr(module, "Exchange", None)
    if exchange is not None:
        exchange.oms_exchange = staticmethod(oms_exchange)
    module._ccxt_oms_autopatched = True
    module._ccxt_oms_autopatch_mode = mode
    if mode == AGGRESSIVE and overrides:
        _replace(ccxt, overrides, "OmsCcxtExchange")
        for name in ("ccxt.async_support", "ccxt.pro"):
            run_after_import(
                name, lambda module: _replace(module, overrides, "OmsCcxtAsyncExchange")
            )
    return True


def _replace(module: ModuleType, ids: Iterable[str], class_name: str) -> None:
    """Replaces those of the exchanges that the module defines."""
    for exchange_id in ids:
        if hasattr(module, exchange_id):
            original = getattr(module, exchange_id)
            setattr(module, exchange_id, _replacement_class(exchange_id, class_name, original))


def _replacement_class(exchange_id: str, class_name: str, original: Any) -> type:
    """Returns a driver class with the constructor of ccxt's exchange classes.

    Its objects count as instances of the ``original`` class and of ``ccxt.Exchange``.
    """
    driver: Any = getattr(import_module("ccxt_driver"), class_name)

    def __init__(self: Any, config: Mapping[str, Any] | None = None, **keywords: Any) -> None:
        driver.__init__(self, complete_config(config, exchange_id), **keywords)

    namespace: dict[str, Any] = {
        "__init__": __init__,
        "__module__": __name__,
        "__doc__": driver.__doc__,
        "id": exchange_id,
    }
    if isinstance(original, type):
        namespace["__class__"] = property(lambda _self: original)
    return type(exchange_id, (driver,), namespace)


def _check_mode(mode: str) -> str:
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
    return mode
