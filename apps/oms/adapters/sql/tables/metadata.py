"""The metadata of all tables, and constructors of tables and columns."""

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, MetaData, Table, text
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from oms.adapters.sql.connection.column_types import TABLE_OPTIONS, BigIntId, TimestampType

METADATA = MetaData(
    naming_convention={
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def table(name: str, *parts: SchemaItem) -> Table:
    """Return a table of the schema; ``parts`` are its columns, constraints and indexes."""
    return Table(name, METADATA, *parts, **TABLE_OPTIONS)


def key(name: str, *references: ForeignKey) -> Column[Any]:
    """Return a column of the primary key with an id that the gateway assigns."""
    return Column(name, BigIntId, *references, primary_key=True, autoincrement=False)


def required(name: str, kind: TypeEngine[Any], default: str | None = None) -> Column[Any]:
    """Return a NOT NULL column; ``default`` is the SQL text of its server default."""
    server_default = None if default is None else text(default)
    return Column(name, kind, nullable=False, server_default=server_default)


def nullable(name: str, kind: TypeEngine[Any]) -> Column[Any]:
    """Return a nullable column."""
    return Column(name, kind, nullable=True)


def boolean(name: str, default: bool | None = None) -> Column[Any]:
    """Return a NOT NULL boolean column."""
    return required(name, Boolean(), None if default is None else str(int(default)))


def created_at() -> Column[Any]:
    """Return the column of the creation time."""
    return required("created_at", TimestampType())


def updated_at() -> Column[Any]:
    """Return the column of the last update."""
    return required("updated_at", TimestampType())
