"""Results and age of reconciliations, and discrepancies, in responses and events."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.event import Event
from oms.domain.reconcile.discrepancy import Discrepancy
from oms.ports.reconcile_store import TRADES_CURSOR, Cursor
from oms.wire.json import loads, optional_time_text, time_text
from oms.wire.responses.command_rows import ErrorDetail
from oms.wire.responses.value_types import Count, Id, TimeText, one_of


class ReconciledRow(TypedDict):
    """The result of one account; counts are null if it failed."""

    account_id: Id
    run_id: str | Count | None
    ok: bool
    fetched: Count | None
    new_deals: Count | None
    new_orders: Count | None
    discrepancies: Count | None
    watermark: str | Count | None
    error: ErrorDetail | None


class ReconciledAccounts(TypedDict):
    """One result per account; ``ok`` if all were reconciled."""

    ok: bool
    account_ids: list[Id]
    triggered_count: Count
    results: list[ReconciledRow]


class ReconcileStatusRow(TypedDict):
    """How recent the last reconciliation of an account is."""

    account_id: Id
    status: Annotated[str, one_of("fresh", "stale", "never")]
    cursor_value: str | None
    updated_at: TimeText | None
    age_seconds: float | None
    lag_ms: float | None
    discrepancies: Annotated[Count, Field(description="Open ones.")]
    degraded: str | None
    history_unreachable: TimeText | None


DiscrepancyRow = TypedDict(
    "DiscrepancyRow",
    {
        "id": Id,
        "account_id": Id,
        "class": str,
        "symbol": str | None,
        "status": str,
        "policy": str,
        "evidence": Any,
        "fix": Any,
        "first_seen": TimeText,
        "last_seen": TimeText,
        "decided_by": str | None,
        "comment": str | None,
    },
)
"""A difference between the exchange and the ledger."""


class Inbox(TypedDict):
    """A page of discrepancies."""

    items: list[DiscrepancyRow]
    next_cursor: str | None


class Decided(TypedDict):
    """A discrepancy after a decision."""

    ok: bool
    command_id: Id
    item: DiscrepancyRow


def reconcile_result_row(
    account_id: int, reported: Mapping[str, Any] | None, error: ErrorDetail | None
) -> ReconciledRow:
    """Return the result of one account; counts are ``None`` if it failed."""
    counts = reported or {}
    return {
        "account_id": account_id,
        "run_id": counts.get("run_id"),
        "ok": error is None and reported is not None,
        "fetched": counts.get("fetched"),
        "new_deals": counts.get("new_deals"),
        "new_orders": counts.get("new_orders"),
        "discrepancies": counts.get("discrepancies"),
        "watermark": counts.get("watermark"),
        "error": error,
    }


def reconcile_status_rows(
    account_ids: Sequence[int],
    cursors: Sequence[Cursor],
    open_rows: Sequence[Discrepancy],
    stale_after: float,
    now: datetime,
    heartbeats: Sequence[Mapping[str, Any]] = (),
) -> list[ReconcileStatusRow]:
    """Return how recent each account's last reconciliation is: ``fresh``, ``stale`` or ``never``.

    Reconciliations without findings are reported only by the ``heartbeats`` of workers.
    """
    read = newest_cursors(cursors, heartbeats)
    degraded = _by_account(heartbeats, "degraded")
    unreachable = _by_account(heartbeats, "unreachable")
    rows: list[ReconcileStatusRow] = []
    for account_id in account_ids:
        cursor = read.get(account_id)
        age = None if cursor is None else (now - cursor.updated_at).total_seconds()
        status = "never" if age is None else "fresh" if age <= stale_after else "stale"
        rows.append(
            {
                "account_id": account_id,
                "status": status,
                "cursor_value": None if cursor is None else cursor.value,
                "updated_at": optional_time_text(None if cursor is None else cursor.updated_at),
                "age_seconds": None if age is None else round(age, 3),
                "lag_ms": None if age is None else round(age * 1000),
                "discrepancies": sum(
                    row.account_id == account_id and row.status == "open" for row in open_rows
                ),
                "degraded": degraded.get(str(account_id)),
                "history_unreachable": unreachable.get(str(account_id)),
            }
        )
    return rows


def _by_account(heartbeats: Sequence[Mapping[str, Any]], name: str) -> dict[str, str]:
    return {key: text for each in heartbeats for key, text in each.get(name, {}).items()}


def newest_cursors(
    cursors: Sequence[Cursor], heartbeats: Sequence[Mapping[str, Any]]
) -> dict[int, Cursor]:
    """Return the latest cursor of each account, from the store or its worker."""
    read = {cursor.account_id: cursor for cursor in cursors if cursor.entity == TRADES_CURSOR}
    for each in heartbeats:
        for key, text in each.get("reconciled", {}).items():
            at = datetime.fromisoformat(text).astimezone(UTC)
            reported = Cursor(account_id=int(key), entity=TRADES_CURSOR, value=text, updated_at=at)
            values = read.get(reported.account_id)
            if values is None or values.updated_at < at:
                read[reported.account_id] = reported
    return read


def discrepancy_row(row: Discrepancy, evidence: object, fix: object) -> DiscrepancyRow:
    """Return the row of a discrepancy; ``evidence`` and ``fix`` as JSON values."""
    return {
        "id": row.id,
        "account_id": row.account_id,
        "class": row.kind,
        "symbol": row.symbol,
        "status": row.status,
        "policy": row.policy,
        "evidence": evidence,
        "fix": fix,
        "first_seen": time_text(row.first_seen),
        "last_seen": time_text(row.last_seen),
        "decided_by": row.decided_by,
        "comment": row.comment,
    }


def parse_facts(text: str | None) -> Mapping[str, Any]:
    """Return the parsed evidence or fix of a row."""
    facts: Mapping[str, Any] = {} if text is None else loads(text)
    return facts


def discrepancy_event(name: str, row: Discrepancy) -> Event:
    """Return the event of a row that opened or closed."""
    facts = {
        "discrepancy_id": row.id,
        "class": row.kind,
        "symbol": row.symbol,
        "evidence": parse_facts(row.evidence),
        "fix": None if row.fix is None else parse_facts(row.fix),
    }
    return Event(name=name, facts=facts)
