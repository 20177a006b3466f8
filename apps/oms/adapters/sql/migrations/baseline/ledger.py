"""Commands, orders, deals, positions, events and idempotency keys."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer, SmallInteger, Text, UniqueConstraint, text

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)


def create_tables() -> None:
    """Create the tables with their indexes."""
    _commands()
    _orders()
    _order_attempts()
    _deals()
    _positions()
    _event_outbox()
    _account_streams()
    _idempotency_keys()


def _commands() -> None:
    op.create_table(
        "oms_commands",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
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
        Column("attempts", Integer(), nullable=False, server_default=text("0")),
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
        UniqueConstraint("account_id", "request_id", name="uq_oms_commands_request_id"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_oms_commands_page", "oms_commands", ["account_id", "id"])
    op.create_index(
        "ix_oms_commands_queue", "oms_commands", ["status", "account_id", "created_at", "id"]
    )
    op.create_index("ix_oms_commands_type", "oms_commands", ["command_type", "created_at"])


def _orders() -> None:
    op.create_table(
        "oms_orders",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("command_id", BigIntId, nullable=True),
        Column("account_id", BigIntId, nullable=False),
        Column("symbol", ShortText(64), nullable=False),
        Column("side", ShortText(8), nullable=False),
        Column("order_type", ShortText(64), nullable=False),
        Column("status", ShortText(32), nullable=False),
        Column("state", ShortText(32), nullable=False),
        Column("is_open", Boolean(), nullable=False),
        Column("pending_change", ShortText(16), nullable=True),
        Column("strategy_id", BigIntId, nullable=False, server_default=text("0")),
        Column("position_id", BigIntId, nullable=False, server_default=text("0")),
        Column("previous_position_id", BigIntId, nullable=True),
        Column("reason", ShortText(32), nullable=False, server_default=text("'api'")),
        Column("comment", ShortText(255), nullable=True),
        Column("client_order_id", ExactText(128), nullable=True),
        Column("exchange_order_id", ExactText(128), nullable=True),
        Column("qty", DecimalType(), nullable=False),
        Column("price", DecimalType(), nullable=True),
        Column("stop_loss", DecimalType(), nullable=True),
        Column("stop_gain", DecimalType(), nullable=True),
        Column("filled_qty", DecimalType(), nullable=False, server_default=text("'0'")),
        Column("avg_fill_price", DecimalType(), nullable=True),
        Column("fill_value", ExactText(128), nullable=False, server_default=text("'0'")),
        Column("fees_json", JsonText, nullable=False),
        Column("reconciled", Boolean(), nullable=False, server_default=text("1")),
        Column("edit_replace_state", ShortText(32), nullable=True),
        Column("edit_replace_at", TimestampType(), nullable=True),
        Column("edit_replace_orphan_order_id", BigIntId, nullable=True),
        Column("edit_replace_origin_order_id", BigIntId, nullable=True),
        Column("reduce_only", Boolean(), nullable=False, server_default=text("0")),
        Column("post_only", Boolean(), nullable=False, server_default=text("0")),
        Column("new_position", Boolean(), nullable=False, server_default=text("0")),
        Column("time_in_force", ShortText(8), nullable=True),
        Column("trigger_price", DecimalType(), nullable=True),
        Column("expires_at", TimestampType(), nullable=True),
        Column("params_json", JsonText, nullable=True),
        Column("fingerprint", ExactText(64), nullable=False, server_default=text("''")),
        Column("reject_source", ShortText(16), nullable=True),
        Column("reject_code", ShortText(64), nullable=True),
        Column("reject_message", ShortText(255), nullable=True),
        Column("replaced_by", BigIntId, nullable=True),
        Column("group_id", BigIntId, nullable=True),
        Column("parent_order_id", BigIntId, nullable=True),
        Column("signal_id", BigIntId, nullable=True),
        Column("triggered_at", TimestampType(), nullable=True),
        Column("submitted_at", TimestampType(), nullable=True),
        Column("last_fill_at", TimestampType(), nullable=True),
        Column("version", Integer(), nullable=False, server_default=text("1")),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        Column("closed_at", TimestampType(), nullable=True),
        Column("ticket_id", BigIntId, nullable=False, server_default=text("0")),
        Column("trailing_amount", DecimalType(), nullable=True),
        Column("trailing_percent", DecimalType(), nullable=True),
        Column("provisional_qty", DecimalType(), nullable=False, server_default=text("'0'")),
        UniqueConstraint(
            "account_id", "symbol", "exchange_order_id", name="uq_oms_orders_exchange_order_id"
        ),
        UniqueConstraint("account_id", "client_order_id", name="uq_oms_orders_client_order_id"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_oms_orders_open", "oms_orders", ["account_id", "is_open", "id"])
    op.create_index("ix_oms_orders_page", "oms_orders", ["account_id", "id"])
    op.create_index("ix_oms_orders_strategy_id", "oms_orders", ["strategy_id", "updated_at"])
    op.create_index("ix_oms_orders_updated_at", "oms_orders", ["account_id", "updated_at"])


def _order_attempts() -> None:
    op.create_table(
        "oms_order_attempts",
        Column("order_id", BigIntId, primary_key=True, autoincrement=False),
        Column("attempt", Integer(), primary_key=True, autoincrement=False),
        Column("kind", ShortText(16), primary_key=True),
        Column("account_id", BigIntId, nullable=False),
        Column("client_id", ExactText(64), nullable=False),
        Column("request_json", JsonText, nullable=False),
        Column("exchange_order_id", ExactText(128), nullable=True),
        Column("may_send_until", TimestampType(), nullable=False),
        Column("sent_at", TimestampType(), nullable=True),
        Column("acked_at", TimestampType(), nullable=True),
        Column("outcome", ShortText(16), nullable=True),
        Column("code", ShortText(64), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        UniqueConstraint("client_id", "kind", name="uq_oms_order_attempts_client_id"),
        **TABLE_OPTIONS,
    )
    op.create_index(
        "ix_oms_order_attempts_exchange_order_id", "oms_order_attempts", ["exchange_order_id"]
    )


def _deals() -> None:
    op.create_table(
        "oms_deals",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
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
        Column("strategy_id", BigIntId, nullable=False, server_default=text("0")),
        Column("reason", ShortText(32), nullable=False, server_default=text("'api'")),
        Column("comment", ShortText(255), nullable=True),
        Column("reconciled", Boolean(), nullable=False, server_default=text("1")),
        Column("exchange_trade_id", ExactText(128), nullable=True),
        Column("leg", SmallInteger(), nullable=False, server_default=text("0")),
        Column("entry", ShortText(8), nullable=False),
        Column("type", ShortText(16), nullable=False, server_default=text("'trade'")),
        Column("provisional", Boolean(), nullable=False, server_default=text("0")),
        Column("origin", ShortText(32), nullable=False),
        Column("liquidity", ShortText(8), nullable=True),
        Column("exchange_order_id", ExactText(128), nullable=True),
        Column("signal_id", BigIntId, nullable=True),
        Column("executed_at", TimestampType(), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("exchange_sequence", BigIntId, nullable=False, server_default=text("0")),
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
    op.create_index("ix_oms_deals_folding", "oms_deals", ["account_id", "symbol", "executed_at"])
    op.create_index("ix_oms_deals_order_id", "oms_deals", ["order_id"])
    op.create_index("ix_oms_deals_page", "oms_deals", ["account_id", "id"])
    op.create_index("ix_oms_deals_position_id", "oms_deals", ["position_id"])


def _positions() -> None:
    op.create_table(
        "oms_positions",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("symbol", ShortText(64), nullable=False),
        Column("strategy_id", BigIntId, nullable=False, server_default=text("0")),
        Column("side", ShortText(8), nullable=False),
        Column("qty", DecimalType(), nullable=False),
        Column("avg_price", DecimalType(), nullable=False),
        Column("cost_exact", Text(), nullable=False),
        Column("exit_exact", Text(), nullable=False),
        Column("stop_loss", DecimalType(), nullable=True),
        Column("stop_gain", DecimalType(), nullable=True),
        Column("state", ShortText(16), nullable=False),
        Column("reason", ShortText(32), nullable=False, server_default=text("'api'")),
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
        Column("external", Boolean(), nullable=False, server_default=text("0")),
        Column("version", Integer(), nullable=False),
        Column("opened_at", TimestampType(), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        Column("closed_at", TimestampType(), nullable=True),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_oms_positions_page", "oms_positions", ["account_id", "id"])
    op.create_index("ix_oms_positions_state", "oms_positions", ["account_id", "state", "symbol"])
    op.create_index("ix_oms_positions_updated_at", "oms_positions", ["account_id", "updated_at"])


def _event_outbox() -> None:
    op.create_table(
        "event_outbox",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("account_id", BigIntId, nullable=False),
        Column("seq", BigIntId, nullable=False),
        Column("seq_to", BigIntId, nullable=False),
        Column("strategy_id", BigIntId, nullable=False, server_default=text("0")),
        Column("namespace", ShortText(32), nullable=False),
        Column("event_type", ShortText(64), nullable=False),
        Column("payload_json", JsonText, nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_event_outbox_created_at", "event_outbox", ["created_at"])
    op.create_index("uq_event_outbox_seq_to", "event_outbox", ["account_id", "seq_to"], unique=True)


def _account_streams() -> None:
    op.create_table(
        "account_streams",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("head_seq", BigIntId, nullable=False, server_default=text("0")),
        Column("lease_token", BigIntId, nullable=False, server_default=text("0")),
        **TABLE_OPTIONS,
    )


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        Column("scope_hash", ExactText(64), primary_key=True),
        Column("fingerprint", ExactText(64), nullable=False),
        Column("status", ShortText(16), nullable=False),
        Column("http_status", SmallInteger(), nullable=True),
        Column("response_json", JsonText, nullable=True),
        Column("command_ids", JsonText, nullable=True),
        Column("expires_at", TimestampType(), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])
