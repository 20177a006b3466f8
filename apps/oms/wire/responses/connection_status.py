"""Connection status of an account's exchange: the worker's row and the response body."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from oms.domain.errors import Refused
from oms.ports.exchange import ConnectionState
from oms.wire.json import optional_time_text


def connection_row(state: ConnectionState, unavailable_reason: Refused | None) -> dict[str, Any]:
    """Return the worker's status with times as text."""
    return {
        "hosts_called": list(state.hosts_called),
        "last_call_at": optional_time_text(state.last_call_at),
        "stream": state.stream.value,
        "last_event_at": optional_time_text(state.last_event_at),
        "gaps": state.gaps,
        "reconciled_at": optional_time_text(state.reconciled_at),
        "trouble": _trouble(unavailable_reason),
        "prices": state.prices,
        "prices_trouble": _trouble(state.prices_unavailable),
    }


def connection_body(
    *,
    account_id: int,
    exchange_id: str,
    environment: str,
    hosts_allowed: Mapping[str, Sequence[str]],
    told: Mapping[str, Any] | None,
    swept_at: datetime | None,
    now: datetime,
) -> dict[str, Any]:
    """Return the response body; ``status_row`` is a ``connection_row``, ``None`` without a worker.

    ``reconciled_at`` is the end of the last stored reconciliation; the later of both counts.
    """
    row = told or {}
    read_at = _later(swept_at, _time(row.get("reconciled_at")))
    return {
        "account_id": account_id,
        "exchange_id": exchange_id,
        "engine": exchange_id.partition(".")[0],
        "environment": environment,
        "hosts_allowed": {tree: list(hosts) for tree, hosts in hosts_allowed.items()},
        "hosts_called": None if told is None else row["hosts_called"],
        "last_call_at": row.get("last_call_at"),
        "stream": row.get("stream"),
        "gaps": row.get("gaps"),
        "last_event_age_s": _age(_time(row.get("last_event_at")), now),
        "reconcile_lag_s": _age(read_at, now),
        "answered": told is not None,
        "trouble": row.get("trouble"),
        "prices": row.get("prices"),
        "prices_trouble": row.get("prices_trouble"),
    }


def _trouble(why: Refused | None) -> dict[str, str] | None:
    return None if why is None else {"code": why.code, "message": why.message}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else round(max((now - at).total_seconds(), 0.0), 3)
