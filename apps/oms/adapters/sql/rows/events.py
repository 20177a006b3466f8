"""Rows of ``event_outbox``; never updated."""

from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.statement_batch import Values
from oms.ports.history_reads import StoredEventRow
from oms.ports.ledger_store import EventRow

COLUMNS = (
    "id",
    "account_id",
    "seq",
    "seq_to",
    "strategy_id",
    "namespace",
    "event_type",
    "payload_json",
    "created_at",
)
SELECTED = ", ".join(COLUMNS)
INSERT = BulkInsert(table="event_outbox", columns=COLUMNS, long_column=7)


def event_to_row(row: EventRow, now: datetime, dialect: Dialect) -> Values:
    """Return the values of ``row`` written at ``now``, in the order of ``COLUMNS``."""
    return (
        row.id,
        row.account_id,
        row.seq,
        row.seq_to,
        row.strategy_id,
        row.namespace,
        row.event_type,
        row.payload,
        dialect.encode_time(now),
    )


def events_from_row(row: Any, dialect: Dialect) -> StoredEventRow:
    """Return the events of a row of ``SELECTED``."""
    return StoredEventRow(
        row=EventRow(
            id=row[0],
            account_id=row[1],
            seq=row[2],
            seq_to=row[3],
            strategy_id=row[4],
            namespace=row[5],
            event_type=row[6],
            payload=row[7],
        ),
        created_at=dialect.decode_time(row[8]),
    )
