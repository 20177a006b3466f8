"""Rows of ``notification_sinks``."""

from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.domain.notifications.sink import Sink, SinkKind, SinkStatus
from oms.wire.json import loads

_COLUMNS = (
    *("id", "name", "kind", "events_json", "account_ids_json", "min_interval_seconds", "status"),
    *("created_at", "created_by", "delivered", "failed", "dead", "last_sent_at"),
    *("last_delivered_at", "last_error"),
)
INSERT = BulkInsert(
    table="notification_sinks",
    columns=(
        *("id", "name", "name_key", "kind", "url_enc", "secret_enc", "events_json"),
        *("account_ids_json", "min_interval_seconds", "status", "created_by", "delivered"),
        *("failed", "dead", "created_at", "updated_at"),
    ),
)
SELECT = (
    f"SELECT {', '.join(_COLUMNS)},"
    " CASE WHEN secret_enc IS NULL THEN 0 ELSE 1 END FROM notification_sinks"
)


def sink_from_row(
    row: Any, dialect: Dialect, waiting: int = 0, waiting_since: datetime | None = None
) -> Sink:
    """Return the sink of a row."""
    return Sink(
        id=row[0],
        name=row[1],
        kind=SinkKind(row[2]),
        events=tuple(loads(row[3])),
        account_ids=tuple(loads(row[4])),
        min_interval_seconds=row[5],
        status=SinkStatus(row[6]),
        created_at=dialect.decode_time(row[7]),
        created_by=row[8],
        delivered=row[9],
        failed=row[10],
        dead=row[11],
        last_sent_at=dialect.decode_optional_time(row[12]),
        last_delivered_at=dialect.decode_optional_time(row[13]),
        last_error=row[14],
        has_secret=bool(row[15]),
        waiting=waiting,
        waiting_since=waiting_since,
    )
