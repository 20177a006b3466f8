"""Kill switches."""

from sqlalchemy import Column, Index, Table

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    ShortText,
    TimestampType,
)
from oms.adapters.sql.tables.metadata import (
    METADATA,
    boolean_column,
    created_at_column,
    nullable_column,
    required_column,
)

kill_switches = Table(
    "kill_switches",
    METADATA,
    Column("id", BigIntId, primary_key=True, autoincrement=False),
    required_column("scope", ShortText(16)),
    required_column("scope_id", ShortText(64)),
    required_column("mode", ShortText(16)),
    required_column("comment", ShortText(255)),
    boolean_column("cancel_entries"),
    boolean_column("flatten"),
    boolean_column("is_on"),
    required_column("set_by", ShortText(128)),
    nullable_column("set_by_user_id", BigIntId),
    nullable_column("set_by_api_key_id", BigIntId),
    nullable_column("released_at", TimestampType()),
    nullable_column("released_by", ShortText(128)),
    nullable_column("release_comment", ShortText(255)),
    created_at_column(),
    Index("ix_kill_switches_on", "is_on", "id"),
    **TABLE_OPTIONS,
)
