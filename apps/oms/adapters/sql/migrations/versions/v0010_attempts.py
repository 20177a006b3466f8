"""Requests about orders, stored before they are sent."""

from alembic import op
from sqlalchemy import Column, Integer, UniqueConstraint

from oms.adapters.sql.types import ID, TABLE_OPTIONS, TS, J, S, X

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """One table; its rows are named by order, number and kind."""
    op.create_table(
        "oms_order_attempts",
        Column("order_id", ID, primary_key=True, autoincrement=False),
        Column("attempt", Integer(), primary_key=True, autoincrement=False),
        Column("kind", S(16), primary_key=True),
        Column("account_id", ID, nullable=False),
        Column("client_id", X(64), nullable=False),
        Column("request_json", J, nullable=False),
        Column("exchange_order_id", X(128)),
        Column("may_send_until", TS(), nullable=False),
        Column("sent_at", TS()),
        Column("acked_at", TS()),
        Column("outcome", S(16)),
        Column("code", S(64)),
        Column("created_at", TS(), nullable=False),
        UniqueConstraint("client_id", "kind", name="uq_oms_order_attempts_client_id"),
        **TABLE_OPTIONS,
    )
    op.create_index(
        "ix_oms_order_attempts_exchange_order_id", "oms_order_attempts", ["exchange_order_id"]
    )
