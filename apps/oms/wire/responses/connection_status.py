"""Connection status of an account's exchange: the worker's row and the response body."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from typing_extensions import TypedDict

from oms.domain.errors import Refused
from oms.ports.exchange import ConnectionState
from oms.wire.json import optional_time_text
from oms.wire.responses.value_types import Count, Id, TimeText, one_of


class AllowedHosts(TypedDict):
    """The hosts that a connection may call, by purpose."""

    rest: list[str]
    private_stream: list[str]
    public_stream: list[str]


class UnavailableReason(TypedDict):
    """Why a connection does not work."""

    code: str
    message: str


class Connection(TypedDict):
    """An account's exchange connection; what only its worker knows is null without a worker."""

    account_id: Id
    exchange_id: str
    engine: str
    environment: str
    hosts_allowed: AllowedHosts
    hosts_called: list[str] | None
    last_call_at: TimeText | None
    stream: Annotated[str, one_of("none", "connecting", "connected")] | None
    gaps: Count | None
    last_event_age_s: float | None
    reconcile_lag_s: float | None
    answered: bool
    trouble: UnavailableReason | None
    prices: str | None
    prices_trouble: UnavailableReason | None
    funding_unavailable: UnavailableReason | None


def connection_row(state: ConnectionState, unavailable_reason: Refused | None) -> dict[str, Any]:
    """Return the worker's status with times as text."""
    return {
        "hosts_called": list(state.hosts_called),
        "last_call_at": optional_time_text(state.last_call_at),
        "stream": state.stream.value,
        "last_event_at": optional_time_text(state.last_event_at),
        "gaps": state.gaps,
        "reconciled_at": optional_time_text(state.reconciled_at),
        "trouble": _reason_row(unavailable_reason),
        "prices": state.prices,
        "prices_trouble": _reason_row(state.prices_unavailable),
        "funding_unavailable": _reason_row(state.funding_unavailable),
    }


def connection_body(
    *,
    account_id: int,
    exchange_id: str,
    environment: str,
    hosts_allowed: Mapping[str, Sequence[str]],
    status_row: Mapping[str, Any] | None,
    reconciled_at: datetime | None,
    now: datetime,
) -> Connection:
    """Return the response body; ``status_row`` is a ``connection_row``, ``None`` without a worker.

    ``reconciled_at`` is the end of the last stored reconciliation; the later of both counts.
    """
    status = status_row or {}
    last_reconciled_at = _later(reconciled_at, _time(status.get("reconciled_at")))
    return {
        "account_id": account_id,
        "exchange_id": exchange_id,
        "engine": exchange_id.partition(".")[0],
        "environment": environment,
        "hosts_allowed": {
            "rest": list(hosts_allowed["rest"]),
            "private_stream": list(hosts_allowed["private_stream"]),
            "public_stream": list(hosts_allowed["public_stream"]),
        },
        "hosts_called": None if status_row is None else status["hosts_called"],
        "last_call_at": status.get("last_call_at"),
        "stream": status.get("stream"),
        "gaps": status.get("gaps"),
        "last_event_age_s": _age(_time(status.get("last_event_at")), now),
        "reconcile_lag_s": _age(last_reconciled_at, now),
        "answered": status_row is not None,
        "trouble": status.get("trouble"),
        "prices": status.get("prices"),
        "prices_trouble": status.get("prices_trouble"),
        "funding_unavailable": status.get("funding_unavailable"),
    }


def _reason_row(reason: Refused | None) -> dict[str, str] | None:
    return None if reason is None else {"code": reason.code, "message": reason.message}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else round(max((now - at).total_seconds(), 0.0), 3)
