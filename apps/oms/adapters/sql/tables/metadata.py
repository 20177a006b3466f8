"""The collection that every table belongs to, and the columns that repeat."""

from typing import Any

from sqlalchemy import Boolean, Column, MetaData, text
from sqlalchemy.types import TypeEngine

from oms.adapters.sql.types import TS

METADATA = MetaData(
    naming_convention={
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def needed(name: str, kind: TypeEngine[Any], default: str | None = None) -> Column[Any]:
    """A column that always has a value; ``default`` is SQL text for rows made elsewhere."""
    server_default = None if default is None else text(default)
    return Column(name, kind, nullable=False, server_default=server_default)


def absent(name: str, kind: TypeEngine[Any]) -> Column[Any]:
    """A column that may be NULL."""
    return Column(name, kind, nullable=True)


def flag(name: str, default: bool | None = None) -> Column[Any]:
    """A boolean."""
    return needed(name, Boolean(), None if default is None else str(int(default)))


def created() -> Column[Any]:
    """When the row was made."""
    return needed("created_at", TS())


def updated() -> Column[Any]:
    """When the row was last changed."""
    return needed("updated_at", TS())
