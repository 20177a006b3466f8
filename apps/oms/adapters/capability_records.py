"""Capability records of exchanges, one per exchange and environment.

Built from static data only: neither ccxt nor the exchange is used.
"""

import re
from collections.abc import Mapping
from typing import Any

from oms.adapters.ccxt.account_validation import check_environment, find_venue
from oms.adapters.ccxt.client.host_guard import build_host_guard
from oms.adapters.ccxt.extra_config import price_environment
from oms.adapters.ccxt.venues.capabilities import ACCOUNT, TABLE, build_capabilities, restrict_value
from oms.adapters.ccxt.venues.catalog import ccxt_version, load_venues
from oms.adapters.paper.capabilities import paper_capabilities
from oms.domain.account import Account, Engine
from oms.domain.errors import Invalid
from oms.wire.json import loads
from oms.wire.responses.exchange_rows import AccountCapabilities, Capabilities, Capability

_PAPER = Engine.PAPER.value
_NAME = re.compile(r"paper\.[a-z0-9_]{1,48}")
_ENGINES = frozenset(engine.value for engine in Engine)


def capability_record(
    exchange_id: str, environment: str | None = None, overrides: Mapping[str, Any] | None = None
) -> Capabilities:
    """Return the record of an exchange; the default engine is ``ccxt``.

    The default environment is ``live``, on paper ``paper``. ``overrides`` is ``oms.capabilities``
    of an account. Raises ``Invalid`` (``unsupported_engine``, ``environment_not_supported``).
    """
    full = exchange_id if "." in exchange_id else f"{Engine.CCXT.value}.{exchange_id}"
    engine, _, name = full.partition(".")
    if engine not in _ENGINES:
        raise Invalid(f"{full}: there is no engine {engine}", code="unsupported_engine")
    if engine == _PAPER:
        fields = _of_paper(full, environment or _PAPER, overrides or {})
    else:
        venue, effective_environment = find_venue(engine, name), environment or "live"
        check_environment(venue, effective_environment)
        values = build_capabilities(
            venue, effective_environment, overrides, streams=engine == Engine.CCXTPRO.value
        )
        fields = {k: Capability(value=v.value, source=v.source) for k, v in values.items()}
    return {
        "exchange_id": full,
        "engine": engine,
        "venue": name,
        "environment": environment or (_PAPER if engine == _PAPER else "live"),
        "name": load_venues()[name].name if name in load_venues() else name,
        "ccxt": None if engine == _PAPER else ccxt_version(),
        "capabilities": fields,
    }


def account_capability_record(account: Account) -> AccountCapabilities:
    """Return the record without what the account's settings disable."""
    overrides = _settings(account).get("capabilities")
    overrides = overrides if isinstance(overrides, Mapping) else {}
    record = capability_record(account.exchange_id, account.environment.value, overrides)
    return {"account_id": account.id, **record}


def list_allowed_hosts(account: Account) -> dict[str, list[str]]:
    """Return the hosts the account may call by kind; on paper those of live prices only."""
    if account.engine is Engine.PAPER:
        rest = _price_hosts(account) if account.paper.uses("live") else []
        return {"rest": rest, "private_stream": [], "public_stream": []}
    settings = _settings(account)
    more, resolve = settings.get("allowed_hosts", ()), settings.get("resolve", {})
    guard = build_host_guard(
        find_venue(account.engine.value, account.venue),
        account.environment.value,
        allowed_hosts=more,
        resolve=resolve,
    )
    loopback = [*sorted(resolve), "127.0.0.0/8", "::1"]
    own = [] if account.environment.value == "live" else loopback
    return {
        "rest": [*sorted(guard.rest), *own],
        "private_stream": [*sorted(guard.private_streams), *own],
        "public_stream": [*sorted(guard.public_streams), *own],
    }


def _price_hosts(account: Account) -> list[str]:
    extra_config, settings = loads(account.extra_config), _settings(account)
    if price_environment(extra_config) == "loopback":
        return [*sorted(settings.get("resolve", {})), "127.0.0.0/8", "::1"]
    venue = load_venues().get(account.venue)
    if venue is None:
        return []
    return sorted(
        build_host_guard(venue, "live", allowed_hosts=settings.get("allowed_hosts", ())).rest
    )


def _settings(account: Account) -> Mapping[str, Any]:
    extra_config = loads(account.extra_config)
    settings = extra_config.get("oms", {}) if isinstance(extra_config, Mapping) else {}
    return settings if isinstance(settings, Mapping) else {}


def _of_paper(
    exchange_id: str, environment: str, overrides: Mapping[str, Any]
) -> dict[str, Capability]:
    if not _NAME.fullmatch(exchange_id):  # any profile name is valid and uses the generic tables
        raise Invalid(f"{exchange_id}: there is no such exchange", code="unsupported_engine")
    if environment != _PAPER:
        message = f"{exchange_id} has no environment {environment}; it has {_PAPER}"
        raise Invalid(message, code="environment_not_supported")
    fields = {k: Capability(value=v, source=TABLE) for k, v in paper_capabilities().items()}
    for name, each in overrides.items():
        if name in fields:
            fields[name] = {"value": restrict_value(fields[name]["value"], each), "source": ACCOUNT}
    return fields
