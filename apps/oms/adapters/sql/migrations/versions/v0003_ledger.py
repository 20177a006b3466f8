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

from oms.adapters.sql.types import DEC, ID, TABLE_OPTIONS, TS, J, S, X

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
        Column("id", ID, autoincrement=False, nullable=False),
        Column("account_id", ID, nullable=False),
        Column("command_type", S(32), nullable=False),
        Column("request_id", X(128), nullable=True),
        Column("idempotency_key", X(128), nullable=True),
        Column("fingerprint", X(64), nullable=False),
        Column("payload_json", J, nullable=False),
        Column("status", S(32), nullable=False),
        Column("error_json", J, nullable=True),
        Column("result_json", J, nullable=True),
        Column("order_id", ID, nullable=True),
        Column("after_command_id", ID, nullable=True),
        Column("hold_until", TS(), nullable=True),
        Column("attempts", Integer(), server_default=text("0"), nullable=False),
        Column("actor_user_id", ID, nullable=True),
        Column("actor_api_key_id", ID, nullable=True),
        Column("actor_role", S(32), nullable=True),
        Column("actor_ip", X(45), nullable=True),
        Column("comment", S(255), nullable=True),
        Column("lease_token", ID, nullable=True),
        Column("started_at", TS(), nullable=True),
        Column("finished_at", TS(), nullable=True),
        Column("created_at", TS(), nullable=False),
        Column("updated_at", TS(), nullable=False),
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
        Column("id", ID, autoincrement=False, nullable=False),
        Column("account_id", ID, nullable=False),
        Column("order_id", ID, nullable=True),
        Column("position_id", ID, nullable=False),
        Column("previous_position_id", ID, nullable=True),
        Column("symbol", S(64), nullable=False),
        Column("side", S(8), nullable=False),
        Column("qty", DEC(), nullable=False),
        Column("price", DEC(), nullable=False),
        Column("fee", DEC(), nullable=True),
        Column("fee_currency", S(32), nullable=True),
        Column("pnl", DEC(), nullable=True),
        Column("strategy_id", ID, server_default=text("0"), nullable=False),
        Column("reason", S(32), server_default=text("'api'"), nullable=False),
        Column("comment", S(255), nullable=True),
        Column("reconciled", Boolean(), server_default=text("1"), nullable=False),
        Column("exchange_trade_id", X(128), nullable=True),
        Column("leg", SmallInteger(), server_default=text("0"), nullable=False),
        Column("entry", S(8), nullable=False),
        Column("type", S(16), server_default=text("'trade'"), nullable=False),
        Column("provisional", Boolean(), server_default=text("0"), nullable=False),
        Column("origin", S(32), nullable=False),
        Column("liquidity", S(8), nullable=True),
        Column("exchange_order_id", X(128), nullable=True),
        Column("signal_id", ID, nullable=True),
        Column("executed_at", TS(), nullable=False),
        Column("created_at", TS(), nullable=False),
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
        Column("id", ID, autoincrement=False, nullable=False),
        Column("account_id", ID, nullable=False),
        Column("symbol", S(64), nullable=False),
        Column("strategy_id", ID, server_default=text("0"), nullable=False),
        Column("side", S(8), nullable=False),
        Column("qty", DEC(), nullable=False),
        Column("avg_price", DEC(), nullable=False),
        Column("cost_exact", Text(), nullable=False),
        Column("exit_exact", Text(), nullable=False),
        Column("stop_loss", DEC(), nullable=True),
        Column("stop_gain", DEC(), nullable=True),
        Column("state", S(16), nullable=False),
        Column("reason", S(32), server_default=text("'api'"), nullable=False),
        Column("comment", S(255), nullable=True),
        Column("identifier", ID, nullable=False),
        Column("previous_position_id", ID, nullable=True),
        Column("qty_opened", DEC(), nullable=False),
        Column("qty_closed", DEC(), nullable=False),
        Column("max_qty", DEC(), nullable=False),
        Column("profit", DEC(), nullable=False),
        Column("realized_pnl", DEC(), nullable=False),
        Column("fees", J, nullable=False),
        Column("funding", DEC(), nullable=False),
        Column("close_price", DEC(), nullable=True),
        Column("close_reason", S(32), nullable=True),
        Column("merged_into", ID, nullable=True),
        Column("external", Boolean(), server_default=text("0"), nullable=False),
        Column("version", Integer(), nullable=False),
        Column("opened_at", TS(), nullable=False),
        Column("created_at", TS(), nullable=False),
        Column("updated_at", TS(), nullable=False),
        Column("closed_at", TS(), nullable=True),
        PrimaryKeyConstraint("id"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_oms_positions_page", "oms_positions", ["account_id", "id"])
    op.create_index("ix_oms_positions_state", "oms_positions", ["account_id", "state", "symbol"])
    op.create_index("ix_oms_positions_updated_at", "oms_positions", ["account_id", "updated_at"])


def _event_outbox() -> None:
    op.create_table(
        "event_outbox",
        Column("id", ID, autoincrement=False, nullable=False),
        Column("account_id", ID, nullable=False),
        Column("seq", ID, nullable=False),
        Column("seq_to", ID, nullable=False),
        Column("strategy_id", ID, server_default=text("0"), nullable=False),
        Column("namespace", S(32), nullable=False),
        Column("event_type", S(64), nullable=False),
        Column("payload_json", J, nullable=False),
        Column("created_at", TS(), nullable=False),
        PrimaryKeyConstraint("id"),
        **TABLE_OPTIONS,
    )
    op.create_index("uq_event_outbox_seq_to", "event_outbox", ["account_id", "seq_to"], unique=True)
    op.create_index("ix_event_outbox_created_at", "event_outbox", ["created_at"])


def _account_streams() -> None:
    op.create_table(
        "account_streams",
        Column("account_id", ID, autoincrement=False, nullable=False),
        Column("head_seq", ID, server_default=text("0"), nullable=False),
        Column("lease_token", ID, server_default=text("0"), nullable=False),
        PrimaryKeyConstraint("account_id"),
        **TABLE_OPTIONS,
    )


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        Column("scope_hash", X(64), nullable=False),
        Column("fingerprint", X(64), nullable=False),
        Column("status", S(16), nullable=False),
        Column("http_status", SmallInteger(), nullable=True),
        Column("response_json", J, nullable=True),
        Column("command_ids", J, nullable=True),
        Column("expires_at", TS(), nullable=False),
        Column("created_at", TS(), nullable=False),
        PrimaryKeyConstraint("scope_hash"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])


def _seed() -> None:
    op.execute("INSERT INTO account_streams (account_id, head_seq, lease_token) VALUES (0, 0, 0)")
