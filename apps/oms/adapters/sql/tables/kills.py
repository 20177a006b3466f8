"""Kill switches."""

from sqlalchemy import Column, Index, Table

from oms.adapters.sql.tables.metadata import METADATA, absent, created, flag, needed
from oms.adapters.sql.types import ID, TABLE_OPTIONS, TS, S

kill_switches = Table(
    "kill_switches",
    METADATA,
    Column("id", ID, primary_key=True, autoincrement=False),
    needed("scope", S(16)),
    needed("scope_id", S(64)),
    needed("mode", S(16)),
    needed("comment", S(255)),
    flag("cancel_entries"),
    flag("flatten"),
    flag("is_on"),
    needed("set_by", S(128)),
    absent("set_by_user_id", ID),
    absent("set_by_api_key_id", ID),
    absent("released_at", TS()),
    absent("released_by", S(128)),
    absent("release_comment", S(255)),
    created(),
    Index("ix_kill_switches_on", "is_on", "id"),
    **TABLE_OPTIONS,
)
