"""Sources of signals and the signals received."""

from alembic import op
from sqlalchemy import Column, Integer, Text, text

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    JsonText,
    ShortText,
    TimestampType,
)

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Create the tables."""
    _create_sources()
    _create_signals()
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('signal_source', 1, 100)")
    op.execute("INSERT INTO id_blocks (name, next_id, block) VALUES ('signal', 1, 100)")


def _create_sources() -> None:
    op.create_table(
        "signal_sources",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("name", ShortText(64), nullable=False),
        Column("name_key", ExactText(64), nullable=False),
        Column("kind", ShortText(16), nullable=False),
        Column("account_id", BigIntId, nullable=True),
        Column("account_group_id", BigIntId, nullable=True),
        Column("strategy_id", BigIntId, nullable=False, server_default=text("0")),
        Column("token_hash", ExactText(64), nullable=True),
        Column("old_token_hash", ExactText(64), nullable=True),
        Column("secret_enc", Text(), nullable=True),
        Column("old_secret_enc", Text(), nullable=True),
        Column("rotate_until", TimestampType(), nullable=True),
        Column("settings_json", JsonText, nullable=False),
        Column("status", ShortText(16), nullable=False, server_default=text("'active'")),
        Column("last_seen_at", TimestampType(), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ux_signal_sources_name_key", "signal_sources", ["name_key"], unique=True)
    op.create_index("ux_signal_sources_token_hash", "signal_sources", ["token_hash"], unique=True)
    op.create_index("ix_signal_sources_old_token", "signal_sources", ["old_token_hash"])
    op.create_table(
        "signal_source_keys",
        Column("api_key_id", BigIntId, primary_key=True, autoincrement=False),
        Column("kind", ShortText(16), primary_key=True),
        Column("source_id", BigIntId, nullable=False),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_signal_source_keys_source", "signal_source_keys", ["source_id"])


def _create_signals() -> None:
    op.create_table(
        "signals",
        Column("id", BigIntId, primary_key=True, autoincrement=False),
        Column("source_id", BigIntId, nullable=False, server_default=text("0")),
        Column("dedupe_key", ExactText(64), nullable=True),
        Column("payload_hash", ExactText(64), nullable=False),
        Column("group_signal_id", BigIntId, nullable=False),
        Column("kind", ShortText(16), nullable=False),
        Column("account_id", BigIntId, nullable=False),
        Column("strategy_id", BigIntId, nullable=False, server_default=text("0")),
        Column("symbol", ShortText(64), nullable=False),
        Column("action", ShortText(16), nullable=False),
        Column("price", DecimalType(), nullable=True),
        Column("raw_json", JsonText, nullable=False),
        Column("received_at", TimestampType(), nullable=False),
        Column("status", ShortText(16), nullable=False, server_default=text("'queued'")),
        Column("reason_code", ShortText(64), nullable=True),
        Column("reason", ShortText(1024), nullable=True),
        Column("command_ids", JsonText, nullable=True),
        Column("order_ids", JsonText, nullable=True),
        Column("position_id", BigIntId, nullable=True),
        Column("stop_gain", DecimalType(), nullable=True),
        Column("stop_loss", DecimalType(), nullable=True),
        Column("finished_at", TimestampType(), nullable=True),
        Column("duplicate_count", Integer(), nullable=False, server_default=text("0")),
        Column("last_duplicate_at", TimestampType(), nullable=True),
        Column("user_id", BigIntId, nullable=True),
        Column("api_key_id", BigIntId, nullable=True),
        **TABLE_OPTIONS,
    )
    op.create_index("ux_signals_dedupe", "signals", ["source_id", "dedupe_key"], unique=True)
    op.create_index("ix_signals_payload", "signals", ["source_id", "payload_hash", "received_at"])
    op.create_index("ix_signals_account", "signals", ["account_id", "received_at"])
    op.create_index("ix_signals_group", "signals", ["group_signal_id"])
    op.create_index("ix_signals_received", "signals", ["received_at"])
    op.create_index("ix_signals_status", "signals", ["source_id", "status"])
