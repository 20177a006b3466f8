"""Rows of what sweeps leave behind."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.bulk import Insert
from oms.adapters.sql.dialect import Dialect
from oms.adapters.sql.rows import raw
from oms.adapters.sql.rows.text import clipped
from oms.adapters.sql.script import Script, Values
from oms.domain.discrepancy import Discrepancy
from oms.ports.reconciliation import Cursor, ReconcileRows, ReconcileRun

_RUN = ("id", "account_id", "scope", "started_at", "finished_at", "counts_json", "error")
_CURSOR = ("account_id", "entity", "cursor_value", "updated_at")
_DISCREPANCY = (
    "id",
    "account_id",
    "class",
    "symbol",
    "subject",
    "status",
    "policy",
    "evidence_json",
    "fix_json",
    "first_seen",
    "last_seen",
    "decided_by",
    "comment",
)
CURSORS = ", ".join(_CURSOR)
DISCREPANCIES = ", ".join(_DISCREPANCY)
_INSERT_RUN = Insert(table="reconcile_runs", columns=_RUN)
_UPSERT_CURSOR = Insert(
    table="reconciliation_cursor",
    columns=_CURSOR,
    key=("account_id", "entity"),
    changes=("cursor_value", "updated_at"),
)
_UPSERT_DISCREPANCY = Insert(
    table="discrepancies",
    columns=_DISCREPANCY,
    changes=(
        *("status", "policy", "evidence_json", "fix_json", "first_seen", "last_seen"),
        *("decided_by", "comment"),
    ),
)


def into(script: Script, sweeps: Sequence[ReconcileRows]) -> None:
    """Write what these sweeps leave behind."""
    dialect = script.dialect
    runs = [each.run for each in sweeps if each.run is not None]
    _INSERT_RUN.into(script, [_run(run, dialect) for run in runs])
    cursors = [
        (each.run.account_id, entity, text, dialect.time_in(each.run.finished_at))
        for each in sweeps
        if each.run is not None
        for entity, text in each.cursors.items()
    ]
    _UPSERT_CURSOR.into(script, cursors)
    rows = [_discrepancy(row, dialect) for each in sweeps for row in each.discrepancies]
    _UPSERT_DISCREPANCY.into(script, rows)
    raw.into(script, [row for each in sweeps for row in each.raw])


def cursor_of(row: Any, dialect: Dialect) -> Cursor:
    """A row of ``CURSORS``."""
    return Cursor(
        account_id=row[0], entity=row[1], value=row[2], updated_at=dialect.time_out(row[3])
    )


def discrepancy_of(row: Any, dialect: Dialect) -> Discrepancy:
    """A row of ``DISCREPANCIES``."""
    return Discrepancy(
        id=row[0],
        account_id=row[1],
        kind=row[2],
        symbol=row[3],
        subject=row[4],
        status=row[5],
        policy=row[6],
        evidence=row[7],
        fix=row[8],
        first_seen=dialect.time_out(row[9]),
        last_seen=dialect.time_out(row[10]),
        decided_by=row[11],
        comment=row[12],
    )


def _run(run: ReconcileRun, dialect: Dialect) -> Values:
    return (
        run.id,
        run.account_id,
        run.scope,
        dialect.time_in(run.started_at),
        dialect.time_in(run.finished_at),
        run.counts,
        clipped(run.error),
    )


def _discrepancy(row: Discrepancy, dialect: Dialect) -> Values:
    return (
        row.id,
        row.account_id,
        row.kind,
        row.symbol,
        row.subject,
        row.status,
        row.policy,
        row.evidence,
        row.fix,
        dialect.time_in(row.first_seen),
        dialect.time_in(row.last_seen),
        row.decided_by,
        clipped(row.comment),
    )
