"""Commands, deals, positions and events."""

from alembic import op
from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    _oms_commands()
    _oms_deals()
    _oms_positions()
    _event_outbox()
    _account_streams()
    _idempotency_keys()
    _seed()


def _oms_commands() -> None:
    op.create_table(
        "oms_commands",
        Column("id", BigIntId, autoincrement=False, nullable=False),
        Column("account_id", BigIntId, nullable=False),
        Column("command_type", ShortText(32), nullable=False),
        Column("request_id", ExactText(128), nullable=True),
        Column("idempotency_key", ExactText(128), nullable=True),
        Column("fingerprint", ExactText(64), nullable=False),
        Column("payload_json", JsonText, nullable=False),
        Column("status", ShortText(32), nullable=False),
        Column("error_json", JsonText, nullable=True),
        Column("result_json", JsonText, nullable=True),
        Column("order_id", BigIntId, nullable=True),
        Column("after_command_id", BigIntId, nullable=True),
        Column("hold_until", TimestampType(), nullable=True),
        Column("attempts", Integer(), server_default=text("0"), nullable=False),
        Column("actor_user_id", BigIntId, nullable=True),
        Column("actor_api_key_id", BigIntId, nullable=True),
        Column("actor_role", ShortText(32), nullable=True),
        Column("actor_ip", ExactText(45), nullable=True),
        Column("comment", ShortText(255), nullable=True),
        Column("lease_token", BigIntId, nullable=True),
        Column("started_at", TimestampType(), nullable=True),
        Column("finished_at", TimestampType(), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("account_id", "request_id", name="uq_oms_commands_request_id"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_oms_commands_page", "oms_commands", ["account_id", "id"])
    op.create_index(
        "ix_oms_commands_queue", "oms_commands", ["status", "account_id", "created_at", "id"]
    )
    op.create_index("ix_oms_commands_type", "oms_commands", ["command_type", "created_at"])


def _oms_deals() -> None:
    op.create_table(
        "oms_deals",
        Column("id", BigIntId, autoincrement=False, nullable=False),
        Column("account_id", BigIntId, nullable=False),
        Column("order_id", BigIntId, nullable=True),
        Column("position_id", BigIntId, nullable=False),
        Column("previous_position_id", BigIntId, nullable=True),
        Column("symbol", ShortText(64), nullable=False),
        Column("side", ShortText(8), nullable=False),
        Column("qty", DecimalType(), nullable=False),
        Column("price", DecimalType(), nullable=False),
        Column("fee", DecimalType(), nullable=True),
        Column("fee_currency", ShortText(32), nullable=True),
        Column("pnl", DecimalType(), nullable=True),
        Column("strategy_id", BigIntId, server_default=text("0"), nullable=False),
        Column("reason", ShortText(32), server_default=text("'api'"), nullable=False),
        Column("comment", ShortText(255), nullable=True),
        Column("reconciled", Boolean(), server_default=text("1"), nullable=False),
        Column("exchange_trade_id", ExactText(128), nullable=True),
        Column("leg", SmallInteger(), server_default=text("0"), nullable=False),
        Column("entry", ShortText(8), nullable=False),
        Column("type", ShortText(16), server_default=text("'trade'"), nullable=False),
        Column("provisional", Boolean(), server_default=text("0"), nullable=False),
        Column("origin", ShortText(32), nullable=False),
        Column("liquidity", ShortText(8), nullable=True),
        Column("exchange_order_id", ExactText(128), nullable=True),
        Column("signal_id", BigIntId, nullable=True),
        Column("executed_at", TimestampType(), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("id"),
        UniqueConstraint(
            "account_id",
            "symbol",
            "exchange_trade_id",
            "leg",
            name="uq_oms_deals_exchange_trade_id",
        ),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_oms_deals_executed_at", "oms_deals", ["account_id", "executed_at"])
    op.create_index("ix_oms_deals_order_id", "oms_deals", ["order_id"])
    op.create_index("ix_oms_deals_page", "oms_deals", ["account_id", "id"])
    op.create_index("ix_oms_deals_position_id", "oms_deals", ["position_id"])


def _oms_positions() -> None:
    op.create_table(
        "oms_positions",
        Column("id", BigIntId, autoincrement=False, nullable=False),
        Column("account_id", BigIntId, nullable=False),
        Column("symbol", ShortText(64), nullable=False),
        Column("strategy_id", BigIntId, server_default=text("0"), nullable=False),
        Column("side", ShortText(8), nullable=False),
        Column("qty", DecimalType(), nullable=False),
        Column("avg_price", DecimalType(), nullable=False),
        Column("cost_exact", Text(), nullable=False),
        Column("exit_exact", Text(), nullable=False),
        Column("stop_loss", DecimalType(), nullable=True),
        Column("stop_gain", DecimalType(), nullable=True),
        Column("state", ShortText(16), nullable=False),
        Column("reason", ShortText(32), server_default=text("'api'"), nullable=False),
        Column("comment", ShortText(255), nullable=True),
        Column("identifier", BigIntId, nullable=False),
        Column("previous_position_id", BigIntId, nullable=True),
        Column("qty_opened", DecimalType(), nullable=False),
        Column("qty_closed", DecimalType(), nullable=False),
        Column("max_qty", DecimalType(), nullable=False),
        Column("profit", DecimalType(), nullable=False),
        Column("realized_pnl", DecimalType(), nullable=False),
        Column("fees", JsonText, nullable=False),
        Column("funding", DecimalType(), nullable=False),
        Column("close_price", DecimalType(), nullable=True),
        Column("close_reason", ShortText(32), nullable=True),
        Column("merged_into", BigIntId, nullable=True),
        Column("external", Boolean(), server_default=text("0"), nullable=False),
        Column("version", Integer(), nullable=False),
        Column("opened_at", TimestampType(), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        Column("closed_at", TimestampType(), nullable=True),
        PrimaryKeyConstraint("id"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_oms_positions_page", "oms_positions", ["account_id", "id"])
    op.create_index("ix_oms_positions_state", "oms_positions", ["account_id", "state", "symbol"])
    op.create_index("ix_oms_positions_updated_at", "oms_positions", ["account_id", "updated_at"])


def _event_outbox() -> None:
    op.create_table(
        "event_outbox",
        Column("id", BigIntId, autoincrement=False, nullable=False),
        Column("account_id", BigIntId, nullable=False),
        Column("seq", BigIntId, nullable=False),
        Column("seq_to", BigIntId, nullable=False),
        Column("strategy_id", BigIntId, server_default=text("0"), nullable=False),
        Column("namespace", ShortText(32), nullable=False),
        Column("event_type", ShortText(64), nullable=False),
        Column("payload_json", JsonText, nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("id"),
        **TABLE_OPTIONS,
    )
    op.create_index("uq_event_outbox_seq_to", "event_outbox", ["account_id", "seq_to"], unique=True)
    op.create_index("ix_event_outbox_created_at", "event_outbox", ["created_at"])


def _account_streams() -> None:
    op.create_table(
        "account_streams",
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("head_seq", BigIntId, server_default=text("0"), nullable=False),
        Column("lease_token", BigIntId, server_default=text("0"), nullable=False),
        PrimaryKeyConstraint("account_id"),
        **TABLE_OPTIONS,
    )


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        Column("scope_hash", ExactText(64), nullable=False),
        Column("fingerprint", ExactText(64), nullable=False),
        Column("status", ShortText(16), nullable=False),
        Column("http_status", SmallInteger(), nullable=True),
        Column("response_json", JsonText, nullable=True),
        Column("command_ids", JsonText, nullable=True),
        Column("expires_at", TimestampType(), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("scope_hash"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])


def _seed() -> None:
    op.execute("INSERT INTO account_streams (account_id, head_seq, lease_token) VALUES (0, 0, 0)")
