"""Reconciliation: request bodies, status rows and discrepancy rows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from oms.domain.commands.account_commands import Reconcile
from oms.domain.reconcile.discrepancy import (
    DecideDiscrepancy,
    Decision,
    Discrepancy,
    DiscrepancyClass,
    DiscrepancyPolicy,
    DiscrepancyStatus,
)
from oms.domain.reconcile.position_comparison import Scope
from oms.ports.reconcile_store import TRADES_CURSOR, Cursor, DiscrepancyQuery
from oms.wire.commands.command_schemas import DECIDE, RECONCILE
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.json import optional_time_text, time_text
from oms.wire.query_parameters import (
    Query,
    malformed_parameter,
    read_account_ids,
    read_cursor,
    read_limit,
    read_words,
)
from oms.wire.request_body import malformed_at

SYMBOLS_MAX = 20
STALE_SECONDS = 120
DISCREPANCY_ROWS_DEFAULT = 100
DISCREPANCY_ROWS_MAX = 500


def read_reconcile(body: object) -> tuple[tuple[int, ...] | None, Reconcile]:
    """Parse account ids (``None``: all readable ones) and payload. Raises ``Malformed``."""
    fields = validate(RECONCILE, drop_nulls(require_object(body, ("body",))), ())
    account_ids = list(fields.get("account_ids", ()))
    if "account_id" in fields:
        account_ids.insert(0, fields["account_id"])
    scope = Scope(fields.get("scope", Scope.SHORT))
    start, end = fields.get("start_date"), fields.get("end_date")
    if scope is Scope.PERIOD and (start is None or end is None):
        raise malformed_at(("start_date",), "a period needs start_date and end_date", "missing")
    if start is not None and end is not None and end < start:
        raise malformed_at(("end_date",), "end_date is before start_date", "value_error")
    hints = [text.upper() for text in fields.get("symbols_hint", ())]
    symbols = tuple(text for text in hints if "/" in text)[:SYMBOLS_MAX]
    payload = Reconcile(scope=scope, start=start, end=end, symbols=symbols)
    return tuple(dict.fromkeys(account_ids)) or None, payload


def read_discrepancy_query(query: Query, readable: Sequence[int]) -> DiscrepancyQuery:
    """Parse filters of discrepancies; ``status`` defaults to open. Raises ``Malformed``."""
    account_ids = read_account_ids(query) if query.get("account_ids") else readable
    statuses = read_words(query, "status") or frozenset({DiscrepancyStatus.OPEN.value})
    kinds = read_words(query, "class") or frozenset()
    for name, selected, values in (
        ("status", statuses, DiscrepancyStatus),
        ("class", kinds, DiscrepancyClass),
    ):
        if selected - {each.value for each in values} - {"all"}:
            raise malformed_parameter(name, f"of {', '.join(values)}, all", "literal_error")
    return DiscrepancyQuery(
        account_ids=[account_id for account_id in account_ids if account_id in set(readable)],
        statuses=() if "all" in statuses else sorted(statuses),
        kinds=() if "all" in kinds else sorted(kinds),
        after_id=read_cursor(query) or 0,
        limit=read_limit(query, DISCREPANCY_ROWS_DEFAULT, DISCREPANCY_ROWS_MAX),
    )


def read_decision(
    body: object, header_comment: str | None, row: Discrepancy, answer: Decision
) -> DecideDiscrepancy:
    """Parse a decision on ``row``; ``header_comment`` is the default. Raises ``Malformed``.

    Dismissing an open discrepancy with policy quarantine lifts the quarantine.
    """
    fields = validate(DECIDE, drop_nulls(require_object(body, ("body",))), ())
    is_held = row.status == DiscrepancyStatus.OPEN and row.policy == DiscrepancyPolicy.QUARANTINE
    return DecideDiscrepancy(
        discrepancy_id=row.id,
        answer=answer,
        lifts=is_held and answer is Decision.DISMISS,
        comment=fields.get("comment") or header_comment or None,
    )


def reconcile_result_row(
    account_id: int, reported: Mapping[str, Any] | None, error: Mapping[str, Any] | None
) -> dict[str, Any]:
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
) -> list[dict[str, Any]]:
    """Return how recent each account's last reconciliation is: ``fresh``, ``stale`` or ``never``.

    Reconciliations without findings are reported only by the ``heartbeats`` of workers.
    """
    read = newest_cursors(cursors, heartbeats)
    degraded = _by_account(heartbeats, "degraded")
    unreachable = _by_account(heartbeats, "unreachable")
    rows: list[dict[str, Any]] = []
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


def discrepancy_row(row: Discrepancy, evidence: object, fix: object) -> dict[str, Any]:
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
