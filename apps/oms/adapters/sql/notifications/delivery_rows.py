"""Rows of ``notification_deliveries``."""

from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.domain.notifications.delivery import Delivery, DeliveryStatus

COLUMNS = (
    *("id", "sink_id", "event_id", "account_id", "event", "body", "status", "attempts"),
    *("next_at", "expires_at", "created_at", "delivered_at", "last_error"),
)
#: A message that is stored already stays as it is.
INSERT = BulkInsert(
    table="notification_deliveries",
    columns=COLUMNS,
    key=("sink_id", "event_id"),
    update_columns=("event_id",),
    long_column=5,
)
SELECT = f"SELECT {', '.join(COLUMNS)} FROM notification_deliveries"


def delivery_to_row(delivery: Delivery, dialect: Dialect) -> tuple[Any, ...]:
    """Return the values of a delivery."""
    return (
        *(delivery.id, delivery.sink_id, delivery.event_id, delivery.account_id),
        *(delivery.event, delivery.body, delivery.status.value, delivery.attempts),
        dialect.encode_time(delivery.next_at),
        dialect.encode_time(delivery.expires_at),
        dialect.encode_time(delivery.created_at),
        dialect.encode_optional_time(delivery.delivered_at),
        delivery.last_error,
    )


def delivery_from_row(row: Any, dialect: Dialect) -> Delivery:
    """Return the delivery of a row."""
    return Delivery(
        id=row[0],
        sink_id=row[1],
        event_id=row[2],
        account_id=row[3],
        event=row[4],
        body=row[5],
        status=DeliveryStatus(row[6]),
        attempts=row[7],
        next_at=dialect.decode_time(row[8]),
        expires_at=dialect.decode_time(row[9]),
        created_at=dialect.decode_time(row[10]),
        delivered_at=dialect.decode_optional_time(row[11]),
        last_error=row[12],
    )
