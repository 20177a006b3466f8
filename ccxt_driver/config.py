"""Configuration of an exchange object: keywords, or one ccxt config dict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ccxt_driver.http_client import DEFAULT_BASE_URL, DEFAULT_TIMEOUT_SECONDS
from ccxt_driver.structures import CCXT, DIALECTS, OMS

#: ``timeout`` of a ccxt config is in milliseconds from this value on, in seconds below it.
_LEAST_MILLISECONDS = 1000
#: Each field by its spellings in a ccxt config; the first one wins.
_SPELLINGS = {
    "api_key": ("api_key", "apiKey"),
    "account_id": ("account_id", "accountId"),
    "strategy_id": ("strategy_id", "strategyId"),
    "base_url": ("base_url", "baseUrl"),
    "timeout_seconds": ("timeout_seconds",),
    "dialect": ("dialect",),
    "options": ("options",),
    "urls": ("urls",),
}
#: Keys of a ccxt config that become attributes of the object.
_ATTRIBUTES = ("newUpdates", "verbose", "enableRateLimit", "rateLimit")
_SANDBOX_KEYS = ("sandbox", "testnet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Address of the gateway, credentials, and the dialect of the results."""

    api_key: str = field(repr=False)
    account_id: int
    strategy_id: int = 0
    base_url: str = DEFAULT_BASE_URL
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    dialect: str = OMS
    options: Mapping[str, Any] = field(default_factory=dict)
    #: Edits of ``urls``, and whether the account must not be live.
    urls: Mapping[str, Any] = field(default_factory=dict)
    is_sandbox: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)


def read_config(
    ccxt_config: Mapping[str, Any] | None, keywords: Mapping[str, Any], *, dialect: str = OMS
) -> Config:
    """Returns the configuration; keywords override ``ccxt_config``, ``None`` counts as absent.

    ``dialect`` is the default of the class; a config dict changes it to ``ccxt``. Raises
    ``RuntimeError`` without a key or an account, ``ValueError`` for an unknown dialect.
    """
    fields = {name: value for name, value in keywords.items() if value is not None}
    if ccxt_config is not None:
        fields = {"dialect": CCXT, **_read_ccxt_config(ccxt_config), **fields}
    fields.setdefault("dialect", dialect)
    for name in ("api_key", "account_id"):
        if not fields.get(name):
            raise RuntimeError(f"{name} is needed")
    if fields["dialect"] not in DIALECTS:
        raise ValueError(f"dialect is one of {', '.join(DIALECTS)}")
    fields["account_id"] = int(fields["account_id"])
    fields["strategy_id"] = int(fields.get("strategy_id", 0))
    fields["base_url"] = str(fields.get("base_url", DEFAULT_BASE_URL)).rstrip("/")
    return Config(**fields)


def _read_ccxt_config(ccxt_config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the keys of a ccxt config that the driver uses, by field name.

    ``options["oms"]`` may have them as well; ``uid`` and ``password``, ccxt's own keys, may be the
    account and the strategy, if they are numbers.
    """
    fields = {
        **_read_numbers(ccxt_config),
        **_read_spellings((ccxt_config.get("options") or {}).get("oms") or {}),
        **_read_spellings(ccxt_config),
    }
    timeout = ccxt_config.get("timeout")
    if "timeout_seconds" not in fields and timeout is not None:
        seconds = timeout / 1000 if timeout >= _LEAST_MILLISECONDS else timeout
        fields["timeout_seconds"] = float(seconds)
    fields["attributes"] = {name: ccxt_config[name] for name in _ATTRIBUTES if name in ccxt_config}
    options = ccxt_config.get("options") or {}
    fields["is_sandbox"] = any(
        bool(place.get(key)) for place in (ccxt_config, options) for key in _SANDBOX_KEYS
    )
    return fields


def named_fields(ccxt_config: Mapping[str, Any]) -> frozenset[str]:
    """Returns the names of the fields that a ccxt config has."""
    return frozenset(_read_ccxt_config(ccxt_config))


def _read_numbers(ccxt_config: Mapping[str, Any]) -> dict[str, Any]:
    keys = {"account_id": "uid", "strategy_id": "password"}
    texts = {name: str(ccxt_config.get(key) or "") for name, key in keys.items()}
    return {name: text for name, text in texts.items() if text.isascii() and text.isdigit()}


def _read_spellings(ccxt_config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: ccxt_config[key]
        for name, keys in _SPELLINGS.items()
        for key in reversed(keys)
        if ccxt_config.get(key) is not None
    }
