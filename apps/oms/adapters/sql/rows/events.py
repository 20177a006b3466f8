"""Rows of ``event_outbox``; they never change."""

from datetime import datetime
from typing import Any

from oms.adapters.sql.bulk import Insert
from oms.adapters.sql.dialect import Dialect
from oms.adapters.sql.script import Values
from oms.ports.history import StoredEvents
from oms.ports.ledger import EventRow

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
INSERT = Insert(table="event_outbox", columns=COLUMNS, long_column=7)


def values(row: EventRow, now: datetime, dialect: Dialect) -> Values:
    """The row of ``row`` written at ``now``, in the order of ``COLUMNS``."""
    return (
        row.id,
        row.account_id,
        row.seq,
        row.seq_to,
        row.strategy_id,
        row.namespace,
        row.event_type,
        row.payload,
        dialect.time_in(now),
    )


def events_of(row: Any, dialect: Dialect) -> StoredEvents:
    """The events of a row of ``SELECTED``."""
    return StoredEvents(
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
        created_at=dialect.time_out(row[8]),
    )
