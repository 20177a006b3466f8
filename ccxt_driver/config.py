"""What a driver object is made with: keywords, or one ccxt config dict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ccxt_driver.http_client import DEFAULT_BASE_URL, DEFAULT_TIMEOUT_SECONDS
from ccxt_driver.structures import CCXT, DIALECTS, OMS

#: ``timeout`` of a ccxt config is in milliseconds from here on, below in seconds.
_LEAST_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A gateway's address, who asks, and how answers are written."""

    api_key: str = field(repr=False)
    account_id: int
    strategy_id: int = 0
    base_url: str = DEFAULT_BASE_URL
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    dialect: str = OMS
    options: Mapping[str, Any] = field(default_factory=dict)


def read_config(
    given: Mapping[str, Any] | None, keywords: Mapping[str, Any], *, dialect: str = OMS
) -> Config:
    """Keywords win over the config dict ``given``; ``None`` counts as absent.

    ``dialect`` is the class's own; a config dict makes it ``ccxt``. Raises ``RuntimeError`` if
    there is no key or no account, ``ValueError`` for an unknown dialect.
    """
    told = {name: value for name, value in keywords.items() if value is not None}
    if given is not None:
        told = {"dialect": CCXT, **_read(given), **told}
    told.setdefault("dialect", dialect)
    for name in ("api_key", "account_id"):
        if not told.get(name):
            raise RuntimeError(f"{name} is needed")
    if told["dialect"] not in DIALECTS:
        raise ValueError(f"dialect is one of {', '.join(DIALECTS)}")
    told["account_id"] = int(told["account_id"])
    told["strategy_id"] = int(told.get("strategy_id", 0))
    told["base_url"] = str(told.get("base_url", DEFAULT_BASE_URL)).rstrip("/")
    return Config(**told)


def _read(given: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a ccxt config that mean something here, in either spelling."""
    spellings = {
        "api_key": ("api_key", "apiKey"),
        "account_id": ("account_id", "accountId"),
        "strategy_id": ("strategy_id", "strategyId"),
        "base_url": ("base_url", "baseUrl"),
        "timeout_seconds": ("timeout_seconds",),
        "dialect": ("dialect",),
        "options": ("options",),
    }
    told = {
        name: given[key]
        for name, keys in spellings.items()
        for key in reversed(keys)
        if given.get(key) is not None
    }
    timeout = given.get("timeout")
    if "timeout_seconds" not in told and timeout is not None:
        seconds = timeout / 1000 if timeout >= _LEAST_MILLISECONDS else timeout
        told["timeout_seconds"] = float(seconds)
    return told
