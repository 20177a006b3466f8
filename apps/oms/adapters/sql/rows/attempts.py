"""Rows of ``oms_order_attempts``: what was asked of an exchange, and what became of it."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.bulk import Insert
from oms.adapters.sql.dialect import Dialect
from oms.adapters.sql.script import Values
from oms.adapters.sql.session import Session
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
UPSERT = Insert(
    table="oms_order_attempts",
    columns=("account_id", *_READ),
    key=("order_id", "attempt", "kind"),
    changes=(
        "request_json",
        "exchange_order_id",
        "may_send_until",
        "sent_at",
        "acked_at",
        "outcome",
        "code",
    ),
)


def values(account_id: int, row: AttemptRow, dialect: Dialect) -> Values:
    """The row in the order of ``UPSERT.columns``."""
    return (
        account_id,
        row.order_id,
        row.attempt,
        row.kind,
        row.client_id,
        row.request,
        row.exchange_order_id,
        dialect.time_in(row.may_send_until),
        dialect.optional_time_in(row.sent_at),
        dialect.optional_time_in(row.acked_at),
        row.outcome,
        row.code,
        dialect.time_in(row.created_at),
    )


async def of_open_orders(session: Session, account_id: int) -> Sequence[AttemptRow]:
    """The attempts of the account's orders that are not final, oldest first."""
    dialect = session.dialect
    columns = ", ".join(f"t.{name}" for name in _READ)
    found = await session.fetch(
        f"SELECT {columns} FROM {dialect.pinned('oms_orders', 'ix_oms_orders_open', 'o')}"
        " JOIN oms_order_attempts t ON t.order_id = o.id"
        f" WHERE o.account_id = {dialect.mark} AND o.is_open = 1"
        " ORDER BY t.order_id, t.created_at, t.attempt",
        (account_id,),
    )
    return tuple(_attempt_of(row, dialect) for row in found)


def _attempt_of(row: Any, dialect: Dialect) -> AttemptRow:
    return AttemptRow(
        order_id=row[0],
        attempt=row[1],
        kind=row[2],
        client_id=row[3],
        request=row[4],
        exchange_order_id=row[5],
        may_send_until=dialect.time_out(row[6]),
        sent_at=dialect.optional_time_out(row[7]),
        acked_at=dialect.optional_time_out(row[8]),
        outcome=row[9],
        code=row[10],
        created_at=dialect.time_out(row[11]),
    )
