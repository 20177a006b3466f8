"""Rows of reconciliation runs, cursors and discrepancies."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.statement_batch import StatementBatch, Values
from oms.adapters.sql.rows import raw
from oms.adapters.sql.rows.text_codec import truncate
from oms.domain.reconcile.discrepancy import Discrepancy
from oms.ports.reconcile_store import Cursor, ReconcileRows, ReconcileRun

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
CURSOR_COLUMNS = ", ".join(_CURSOR)
DISCREPANCY_COLUMNS = ", ".join(_DISCREPANCY)
_INSERT_RUN = BulkInsert(table="reconcile_runs", columns=_RUN)
_UPSERT_CURSOR = BulkInsert(
    table="reconciliation_cursor",
    columns=_CURSOR,
    key=("account_id", "entity"),
    update_columns=("cursor_value", "updated_at"),
)
_UPSERT_DISCREPANCY = BulkInsert(
    table="discrepancies",
    columns=_DISCREPANCY,
    update_columns=(
        *("status", "policy", "evidence_json", "fix_json", "first_seen", "last_seen"),
        *("decided_by", "comment"),
    ),
)


def add_to(batch: StatementBatch, results: Sequence[ReconcileRows]) -> None:
    """Append the statements that write the results of reconciliation runs."""
    dialect = batch.dialect
    runs = [each.run for each in results if each.run is not None]
    _INSERT_RUN.add_to(batch, [_run_to_row(run, dialect) for run in runs])
    cursors = [
        (each.run.account_id, entity, text, dialect.encode_time(each.run.finished_at))
        for each in results
        if each.run is not None
        for entity, text in each.cursors.items()
    ]
    _UPSERT_CURSOR.add_to(batch, cursors)
    rows = [_discrepancy_to_row(row, dialect) for each in results for row in each.discrepancies]
    _UPSERT_DISCREPANCY.add_to(batch, rows)
    raw.add_to(batch, [row for each in results for row in each.raw])


def cursor_from_row(row: Any, dialect: Dialect) -> Cursor:
    """Return the cursor of a row of ``CURSOR_COLUMNS``."""
    return Cursor(
        account_id=row[0], entity=row[1], value=row[2], updated_at=dialect.decode_time(row[3])
    )


def discrepancy_from_row(row: Any, dialect: Dialect) -> Discrepancy:
    """Return the discrepancy of a row of ``DISCREPANCY_COLUMNS``."""
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
        first_seen=dialect.decode_time(row[9]),
        last_seen=dialect.decode_time(row[10]),
        decided_by=row[11],
        comment=row[12],
    )


def _run_to_row(run: ReconcileRun, dialect: Dialect) -> Values:
    return (
        run.id,
        run.account_id,
        run.scope,
        dialect.encode_time(run.started_at),
        dialect.encode_time(run.finished_at),
        run.counts,
        truncate(run.error),
    )


def _discrepancy_to_row(row: Discrepancy, dialect: Dialect) -> Values:
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
        dialect.encode_time(row.first_seen),
        dialect.encode_time(row.last_seen),
        row.decided_by,
        truncate(row.comment),
    )
