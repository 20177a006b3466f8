"""Rows of ``oms_order_attempts``: requests to an exchange and their outcome."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.connection.statement_batch import Values
from oms.ports.exchange import AttemptRow

_READ = (
    "order_id",
    "attempt",
    "kind",
    "client_id",
    "request_json",
    "exchange_order_id",
    "may_send_until",
    "sent_at",
    "acked_at",
    "outcome",
    "code",
    "created_at",
)
UPSERT = BulkInsert(
    table="oms_order_attempts",
    columns=("account_id", *_READ),
    key=("order_id", "attempt", "kind"),
    update_columns=(
        "request_json",
        "exchange_order_id",
        "may_send_until",
        "sent_at",
        "acked_at",
        "outcome",
        "code",
    ),
)


def attempt_to_row(account_id: int, row: AttemptRow, dialect: Dialect) -> Values:
    """Return the row in the order of ``UPSERT.columns``."""
    return (
        account_id,
        row.order_id,
        row.attempt,
        row.kind,
        row.client_id,
        row.request,
        row.exchange_order_id,
        dialect.encode_time(row.may_send_until),
        dialect.encode_optional_time(row.sent_at),
        dialect.encode_optional_time(row.acked_at),
        row.outcome,
        row.code,
        dialect.encode_time(row.created_at),
    )


async def load_open_attempts(session: Session, account_id: int) -> Sequence[AttemptRow]:
    """Return the attempts of the account's open orders, oldest first."""
    dialect = session.dialect
    columns = ", ".join(f"t.{name}" for name in _READ)
    rows = await session.fetch(
        f"SELECT {columns} FROM {dialect.with_index('oms_orders', 'ix_oms_orders_open', 'o')}"
        " JOIN oms_order_attempts t ON t.order_id = o.id"
        f" WHERE o.account_id = {dialect.param} AND o.is_open = 1"
        " ORDER BY t.order_id, t.created_at, t.attempt",
        (account_id,),
    )
    return tuple(_attempt_of(row, dialect) for row in rows)


def _attempt_of(row: Any, dialect: Dialect) -> AttemptRow:
    return AttemptRow(
        order_id=row[0],
        attempt=row[1],
        kind=row[2],
        client_id=row[3],
        request=row[4],
        exchange_order_id=row[5],
        may_send_until=dialect.decode_time(row[6]),
        sent_at=dialect.decode_optional_time(row[7]),
        acked_at=dialect.decode_optional_time(row[8]),
        outcome=row[9],
        code=row[10],
        created_at=dialect.decode_time(row[11]),
    )
