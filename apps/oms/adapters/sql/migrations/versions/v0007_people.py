"""Passwords, login tokens, what keys have used, sealed credentials, and the chain of the audit."""

from alembic import op
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    DecimalType,
    ExactText,
    ShortText,
    TimestampType,
)

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables; number the rows of the audit log."""
    _passwords()
    _tokens()
    _attempts()
    _usage()
    _credentials()
    _chain()
    for kind in ("login", "strategy", "token"):
        op.execute(f"INSERT INTO id_blocks (name, next_id, block) VALUES ('{kind}', 1, 100)")


def _passwords() -> None:
    op.create_table(
        "user_password_credentials",
        Column("user_id", BigIntId, autoincrement=False, nullable=False),
        Column("password_hash", ShortText(255), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("user_id"),
        **TABLE_OPTIONS,
    )


def _tokens() -> None:
    op.create_table(
        "auth_tokens",
        Column("id", BigIntId, autoincrement=False, nullable=False),
        Column("user_id", BigIntId, nullable=False),
        Column("api_key_id", BigIntId, nullable=False),
        Column("token_hash", ExactText(64), nullable=False),
        Column("status", ShortText(32), server_default=text("'active'"), nullable=False),
        Column("expires_at", TimestampType(), nullable=True),
        Column("last_used_at", TimestampType(), nullable=True),
        Column("last_used_ip", ExactText(45), nullable=True),
        Column("created_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("token_hash", name="uq_auth_tokens_token_hash"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_auth_tokens_api_key_id", "auth_tokens", ["api_key_id"])
    op.create_index("ix_auth_tokens_user_id", "auth_tokens", ["user_id"])
    op.create_index("ix_auth_tokens_expires_at", "auth_tokens", ["expires_at"])


def _attempts() -> None:
    op.create_table(
        "login_attempts",
        Column("id", BigIntId, autoincrement=False, nullable=False),
        Column("user_name", ShortText(128), nullable=False),
        Column("ip", ExactText(45), nullable=False),
        Column("ok", Boolean(), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("id"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_login_attempts_user_name", "login_attempts", ["user_name", "created_at"])
    op.create_index("ix_login_attempts_ip", "login_attempts", ["ip", "created_at"])
    op.create_index("ix_login_attempts_created_at", "login_attempts", ["created_at"])


def _usage() -> None:
    op.create_table(
        "api_key_usage",
        Column("api_key_id", BigIntId, autoincrement=False, nullable=False),
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("day", Date(), nullable=False),
        Column("notional", DecimalType(), server_default=text("'0'"), nullable=False),
        PrimaryKeyConstraint("api_key_id", "account_id", "day"),
        **TABLE_OPTIONS,
    )


def _credentials() -> None:
    op.create_table(
        "account_credentials_encrypted",
        Column("account_id", BigIntId, autoincrement=False, nullable=False),
        Column("api_key_enc", Text(), nullable=False),
        Column("secret_enc", Text(), nullable=False),
        Column("passphrase_enc", Text(), nullable=True),
        Column("key_id", ShortText(32), nullable=False),
        Column("fingerprint", ExactText(64), nullable=False),
        Column("created_at", TimestampType(), nullable=False),
        Column("updated_at", TimestampType(), nullable=False),
        PrimaryKeyConstraint("account_id"),
        **TABLE_OPTIONS,
    )


def _chain() -> None:
    op.add_column("audit_log", Column("chain_no", BigIntId))
    op.create_index("ux_audit_log_chain_no", "audit_log", ["chain_no"], unique=True)
    op.create_index("ix_audit_log_created_at", "audit_log", ["created_at"])
    op.create_table(
        "audit_chain",
        Column("id", BigIntId, autoincrement=False, nullable=False),
        Column("length", BigIntId, nullable=False),
        Column("hash", ExactText(64), nullable=False),
        PrimaryKeyConstraint("id"),
        **TABLE_OPTIONS,
    )
    op.execute(f"INSERT INTO audit_chain (id, length, hash) VALUES (1, 0, '{'0' * 64}')")
