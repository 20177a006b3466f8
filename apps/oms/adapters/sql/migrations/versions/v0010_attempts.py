"""Requests about orders, stored before they are sent."""

from alembic import op
from sqlalchemy import Column, Integer, UniqueConstraint

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """One table; its rows are named by order, number and kind."""
    op.create_table(
        "oms_order_attempts",
        Column("order_id", BigIntId, primary_key=True, autoincrement=False),
        Column("attempt", Integer(), primary_key=True, autoincrement=False),
        Column("kind", ShortText(16), primary_key=True),
        Column("account_id", BigIntId, nullable=False),
        Column("client_id", ExactText(64), nullable=False),
        Column("request_json", JsonText, nullable=False),
        Column("exchange_order_id", ExactText(128)),
        Column("may_send_until", TimestampType(), nullable=False),
        Column("sent_at", TimestampType()),
        Column("acked_at", TimestampType()),
        Column("outcome", ShortText(16)),
        Column("code", ShortText(64)),
        Column("created_at", TimestampType(), nullable=False),
        UniqueConstraint("client_id", "kind", name="uq_oms_order_attempts_client_id"),
        **TABLE_OPTIONS,
    )
    op.create_index(
        "ix_oms_order_attempts_exchange_order_id", "oms_order_attempts", ["exchange_order_id"]
    )
