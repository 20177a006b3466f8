"""The reference page of the tables equals the schema."""

from pathlib import Path

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Double,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from oms.adapters.sql.connection.column_types import (
    BigIntId,
    DecimalType,
    ExactText,
    JsonText,
    TimestampType,
)
from oms.adapters.sql.tables import METADATA

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "tables.md"


def column_text(column: Column[object]) -> str:
    """Return a column as on the page: ``name TYPE``, with ``?`` if it is nullable."""
    kinds = {
        DecimalType: "DEC",
        TimestampType: "TS",
        Boolean: "B",
        Date: "DATE",
        Double: "DOUBLE",
        Integer: "INT",
        SmallInteger: "SMALLINT",
    }
    kind = column.type
    if kind is BigIntId:
        name = "ID"
    elif kind is JsonText:
        name = "J"
    elif isinstance(kind, ExactText):
        name = f"X({kind.length})"
    elif isinstance(kind, Text):
        name = "TEXT"
    elif isinstance(kind, String):
        name = f"S({kind.length})"
    else:
        name = kinds[type(kind)]
    return f"`{column.name}` {name}{'?' if column.nullable else ''}"


def keys(table: Table) -> str:
    """Return the keys of a table as on the page."""
    primary = ", ".join(column.name for column in table.primary_key)
    unique = [
        ", ".join(column.name for column in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    unique += [_columns(index) for index in indexes if index.unique]
    plain = [_columns(index) for index in indexes if not index.unique]
    parts = [f"primary ({primary})"]
    parts += [f"unique ({names})" for names in sorted(unique)]
    parts += [f"index ({names})" for names in plain]
    return "; ".join(parts)


def _columns(index: Index) -> str:
    return ", ".join(column.name for column in index.columns)


@pytest.mark.parametrize("name", sorted(METADATA.tables))
def test_page_describes_each_table(name: str) -> None:
    table = METADATA.tables[name]
    page = " ".join(PAGE.read_text(encoding="utf-8").split())

    assert f"### {name} " in page
    assert ", ".join(column_text(column) for column in table.columns) in page
    assert f"Keys: {keys(table)}." in page


def test_page_describes_no_other_table() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    named = {line.removeprefix("### ").strip() for line in lines if line.startswith("### ")}

    assert named == set(METADATA.tables)
