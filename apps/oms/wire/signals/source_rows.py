"""Rows of signal sources. No secret and no token is among them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.signals.signal import SignalKind
from oms.domain.signals.source import SignalSource, SourceRefusal
from oms.wire.json import optional_time_text, time_text
from oms.wire.responses.value_types import Count, DecimalText, Id, TimeText, one_of
from oms.wire.signals.source_settings import SettingsRow, settings_row


class SourceCounts(TypedDict):
    """How many signals of a source were received, and what became of them."""

    received: Count
    queued: Count
    done: Count
    blocked: Count
    ignored: Count
    failed: Count
    duplicate: Count


class SourceRefusalRow(TypedDict):
    """Why a request of a source was refused before it became a signal."""

    refused_at: TimeText
    reason: str
    message: str


class SignalSourceRow(TypedDict):
    """A source of signals."""

    source_id: Id
    name: str
    kind: Annotated[str, one_of(*SignalKind)]
    account_id: Id | None
    account_group_id: Id | None
    strategy_id: Count
    status: Annotated[str, one_of("active", "disabled")]
    api_key_ids: list[Id]
    has_secret: bool
    rotate_until: TimeText | None
    settings: SettingsRow
    last_seen_at: TimeText | None
    last_refusal: SourceRefusalRow | None
    created_at: TimeText
    updated_at: TimeText
    counts: SourceCounts


class SourceCreated(TypedDict):
    """A source with its credentials, which are shown only here."""

    ok: bool
    source: SignalSourceRow
    path_token: Annotated[str | None, Field(description="Null where a request is repeated.")]
    secret: str | None


class SourceRotated(TypedDict):
    """New credentials of a source, which are shown only here; null: unchanged."""

    ok: bool
    source: SignalSourceRow
    path_token: str | None
    secret: str | None


class SourceChanged(TypedDict):
    """A source after a change."""

    ok: bool
    source: SignalSourceRow


class SignalTrial(TypedDict):
    """What a source makes of a body; ``risk`` is null where the worker finds the quantity."""

    ok: bool
    account_ids: list[Id]
    symbol: str
    action: str
    order_type: str
    price: DecimalText | None
    qty: DecimalText | None
    stale: bool
    risk: dict[str, Any] | None


_WORDS = ("queued", "done", "blocked", "ignored", "failed")


def source_row(
    source: SignalSource, counts: Mapping[str, int], received_at: datetime | None = None
) -> SignalSourceRow:
    """Return the row of a source; ``counts`` by status, and of repeats as ``duplicate``.

    ``received_at`` is the time of its last stored signal.
    """
    seen = [at for at in (source.last_seen_at, received_at) if at is not None]
    of_status = {word: counts.get(word, 0) for word in _WORDS}
    return {
        "source_id": source.id,
        "name": source.name,
        "kind": source.kind.value,
        "account_id": source.account_id,
        "account_group_id": source.account_group_id,
        "strategy_id": source.strategy_id,
        "status": "active" if source.is_active else "disabled",
        "api_key_ids": list(source.api_key_ids),
        "has_secret": source.sealed_secret is not None,
        "rotate_until": optional_time_text(source.rotate_until),
        "settings": settings_row(source.settings),
        "last_seen_at": optional_time_text(max(seen, default=None)),
        "last_refusal": _refusal_row(source.last_refusal),
        "created_at": time_text(source.created_at),
        "updated_at": time_text(source.updated_at),
        "counts": {
            "received": sum(of_status.values()),
            "queued": of_status["queued"],
            "done": of_status["done"],
            "blocked": of_status["blocked"],
            "ignored": of_status["ignored"],
            "failed": of_status["failed"],
            "duplicate": counts.get("duplicate", 0),
        },
    }


def _refusal_row(refusal: SourceRefusal | None) -> SourceRefusalRow | None:
    if refusal is None:
        return None
    return {
        "refused_at": time_text(refusal.refused_at),
        "reason": refusal.reason,
        "message": refusal.message,
    }


def source_audit_row(source: SignalSource) -> dict[str, object]:
    """Return a source for the audit log."""
    row: dict[str, object] = {**source_row(source, {})}
    del row["counts"], row["last_seen_at"], row["last_refusal"]
    return row
