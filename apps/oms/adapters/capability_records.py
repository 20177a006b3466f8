"""What an exchange can do, as it is told to people: one record for an exchange and environment.

Read from data of ours alone: ccxt is not needed, nothing is asked of the exchange.
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

_PAPER = Engine.PAPER.value
_NAME = re.compile(r"paper\.[a-z0-9_]{1,48}")
_ENGINES = frozenset(engine.value for engine in Engine)


def capability_record(
    exchange_id: str, environment: str | None = None, taken: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The record; a bare id is one of ``ccxt``, no environment is ``live``, on paper ``paper``.

    ``taken`` is ``oms.capabilities`` of an account. Raises ``Invalid`` (``unsupported_engine``,
    ``environment_not_supported``).
    """
    full = exchange_id if "." in exchange_id else f"{Engine.CCXT.value}.{exchange_id}"
    engine, _, name = full.partition(".")
    if engine not in _ENGINES:
        raise Invalid(f"{full}: there is no engine {engine}", code="unsupported_engine")
    if engine == _PAPER:
        fields = _of_paper(full, environment or _PAPER, taken or {})
    else:
        venue, place = find_venue(engine, name), environment or "live"
        check_environment(venue, place)
        known = build_capabilities(venue, place, taken, streams=engine == Engine.CCXTPRO.value)
        fields = {k: {"value": v.value, "source": v.source} for k, v in known.items()}
    return {
        "exchange_id": full,
        "engine": engine,
        "venue": name,
        "environment": environment or (_PAPER if engine == _PAPER else "live"),
        "name": load_venues()[name].name if name in load_venues() else name,
        "ccxt": None if engine == _PAPER else ccxt_version(),
        "capabilities": fields,
    }


def account_capability_record(account: Account) -> dict[str, Any]:
    """The same less what the account's own settings take away."""
    taken = _settings(account).get("capabilities")
    wished = taken if isinstance(taken, Mapping) else {}
    record = capability_record(account.exchange_id, account.environment.value, wished)
    return {"account_id": account.id} | record


def list_allowed_hosts(account: Account) -> dict[str, list[str]]:
    """The hosts that the account may call, by tree; on paper those of live prices alone."""
    if account.engine is Engine.PAPER:
        rest = _price_hosts(account) if account.paper.uses("live") else []
        return {"rest": rest, "private_stream": [], "public_stream": []}
    ours = _settings(account)
    more, resolve = ours.get("allowed_hosts", ()), ours.get("resolve", {})
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
    told, ours = loads(account.extra_config), _settings(account)
    if price_environment(told) == "loopback":
        return [*sorted(ours.get("resolve", {})), "127.0.0.0/8", "::1"]
    venue = load_venues().get(account.venue)
    if venue is None:
        return []
    return sorted(build_host_guard(venue, "live", allowed_hosts=ours.get("allowed_hosts", ())).rest)


def _settings(account: Account) -> Mapping[str, Any]:
    told = loads(account.extra_config)
    ours = told.get("oms", {}) if isinstance(told, Mapping) else {}
    return ours if isinstance(ours, Mapping) else {}


def _of_paper(
    exchange_id: str, environment: str, taken: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    if not _NAME.fullmatch(exchange_id):  # any profile is one, with the tables of generic
        raise Invalid(f"{exchange_id}: there is no such exchange", code="unsupported_engine")
    if environment != _PAPER:
        message = f"{exchange_id} has no environment {environment}; it has {_PAPER}"
        raise Invalid(message, code="environment_not_supported")
    told = {k: {"value": v, "source": TABLE} for k, v in paper_capabilities().items()}
    for name, each in taken.items():
        if name in told:
            told[name] = {"value": restrict_value(told[name]["value"], each), "source": ACCOUNT}
    return told
