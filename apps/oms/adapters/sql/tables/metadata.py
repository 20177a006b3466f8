"""The metadata of all tables and constructors of repeated columns."""

from typing import Any

from sqlalchemy import Boolean, Column, MetaData, text
from sqlalchemy.types import TypeEngine

from oms.adapters.sql.connection.column_types import TimestampType

METADATA = MetaData(
    naming_convention={
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def required_column(name: str, kind: TypeEngine[Any], default: str | None = None) -> Column[Any]:
    """Return a NOT NULL column; ``default`` is the SQL text of its server default."""
    server_default = None if default is None else text(default)
    return Column(name, kind, nullable=False, server_default=server_default)


def nullable_column(name: str, kind: TypeEngine[Any]) -> Column[Any]:
    """Return a nullable column."""
    return Column(name, kind, nullable=True)


def boolean_column(name: str, default: bool | None = None) -> Column[Any]:
    """Return a NOT NULL boolean column."""
    return required_column(name, Boolean(), None if default is None else str(int(default)))


def created_at_column() -> Column[Any]:
    """Return the column of the creation time."""
    return required_column("created_at", TimestampType())


def updated_at_column() -> Column[Any]:
    """Return the column of the last update."""
    return required_column("updated_at", TimestampType())
