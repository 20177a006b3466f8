"""Differences between MySQL/MariaDB and SQLite, kept in this module only.

A ``Dialect`` supplies SQL fragments and converts values to and from the driver's types. Hot
statements are prepared SQL text with bound values and need both; everything else goes through
SQLAlchemy's compiler and the column types.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from oms.adapters.sql.connection.column_types import (
    format_optional_time,
    parse_optional_time,
    parse_time,
    to_utc,
)
from oms.domain.money import decimal_text
from oms.domain.times import utc_text
from oms.wire.json import optional_decimal_text

PADDED_VALUES_MAX = 1024
"""Longer lists are not padded: drivers and servers limit the number of bound values."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """SQL fragments and value converters of one kind of database."""

    #: ``mysql`` or ``sqlite``.
    name: str
    #: Placeholder of a bound value in SQL text.
    param: str
    #: SQL expression of the database's current time, UTC.
    now: str
    #: The same plus one bound value made by ``encode_seconds``.
    now_plus: str
    #: SQL expression of the seconds since column ``{}``, a float.
    age: str
    #: Whether the driver executes a prepared statement for many rows cheaply (``bulk_write``).
    has_bulk_execute: bool
    #: Whether SUM adds decimal columns exactly; SQLite would add them as binary floats.
    sums_exactly: bool
    #: Whether several cluster nodes accept writes. Locks hold at one node only; transactions of
    #: different nodes conflict only through the rows they change.
    in_cluster: bool
    #: Suffix that locks the selected rows; empty where the transaction holds the database lock.
    for_update: str
    encode_seconds: Callable[[float], Any]
    encode_time: Callable[[datetime], Any]
    decode_time: Callable[[Any], datetime]
    encode_decimal: Callable[[Decimal], Any]
    decode_decimal: Callable[[Any], Decimal]
    #: The same for columns that may be NULL. They are fields, because a row has many of them.
    encode_optional_time: Callable[[datetime | None], Any]
    decode_optional_time: Callable[[Any], datetime | None]
    encode_optional_decimal: Callable[[Decimal | None], Any]

    def params(self, count: int) -> str:
        """Return ``count`` comma-separated placeholders."""
        return ", ".join([self.param] * count)

    def in_list(self, ids: Collection[int]) -> tuple[str, Sequence[int]]:
        """Return the placeholders and values of an IN list, padded to limit distinct statements."""
        values = self.pad_values(ids)
        return self.params(len(values)), values

    def pad_values(self, values: Collection[Value]) -> Sequence[Value]:
        """Return ``values`` with the last one repeated up to the next power of two.

        Lists longer than ``PADDED_VALUES_MAX`` are returned as they are.
        """
        items = tuple(values)
        if len(items) > PADDED_VALUES_MAX:
            return items
        padding = (1 << (len(items) - 1).bit_length()) - len(items)
        return items + items[-1:] * padding

    def decode_optional_decimal(self, value: Any) -> Decimal | None:
        """``decode_decimal`` that accepts ``None``."""
        return None if value is None else self.decode_decimal(value)

    def with_index(self, table: str, index: str, alias: str = "") -> str:
        """Return ``table`` for a FROM clause with a hint that forces the use of ``index``."""
        source = f"{table} {alias}".strip()
        hint = "FORCE INDEX (" + index + ")" if self.name == "mysql" else "INDEXED BY " + index
        return f"{source} {hint}"

    def upsert_clause(
        self, key: Sequence[str], update_columns: Sequence[str], empty: Sequence[str] = ()
    ) -> str:
        """Return the clause that turns an INSERT into an upsert by the primary ``key``.

        Existing rows get the new values of ``update_columns``; those named in ``empty`` are not
        part of the INSERT and become NULL.
        """
        new_value = "VALUES({0})" if self.name == "mysql" else "excluded.{0}"
        sets = ", ".join(
            f"{name} = " + ("NULL" if name in empty else new_value.format(name))
            for name in update_columns
        )
        if self.name == "mysql":
            return f" ON DUPLICATE KEY UPDATE {sets}"
        return f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"


MYSQL = Dialect(
    name="mysql",
    param="%s",
    now="UTC_TIMESTAMP(6)",
    now_plus="UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND",
    age="TIMESTAMPDIFF(MICROSECOND, {}, UTC_TIMESTAMP(6)) / 1e6",
    has_bulk_execute=False,
    sums_exactly=True,
    in_cluster=False,
    for_update=" FOR UPDATE",
    encode_seconds=lambda seconds: round(seconds * 1_000_000),
    # The drivers write a time without its zone.
    encode_time=to_utc,
    decode_time=lambda value: value.replace(tzinfo=UTC),
    encode_decimal=lambda value: value,
    decode_decimal=lambda value: value,
    encode_optional_time=lambda value: (
        value if value is None or value.tzinfo is UTC else to_utc(value)
    ),
    decode_optional_time=lambda value: None if value is None else value.replace(tzinfo=UTC),
    encode_optional_decimal=lambda value: value,
)

SQLITE = Dialect(
    name="sqlite",
    param="?",
    # SQLite's clock has milliseconds; the zeros pad its text to microseconds.
    now="strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')",
    now_plus="strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', ?)",
    age="(julianday('now') - julianday({})) * 86400.0",
    has_bulk_execute=True,
    sums_exactly=False,
    in_cluster=False,
    for_update="",
    encode_seconds=lambda seconds: f"{seconds:+.3f} seconds",
    encode_time=utc_text,
    decode_time=parse_time,
    encode_decimal=decimal_text,
    decode_decimal=Decimal,
    encode_optional_time=format_optional_time,
    decode_optional_time=parse_optional_time,
    encode_optional_decimal=optional_decimal_text,
)


def get_dialect(name: str, *, has_bulk_execute: bool, in_cluster: bool = False) -> Dialect:
    """Return the dialect of a SQLAlchemy backend name; the flags apply to MySQL only."""
    return (
        SQLITE
        if name == "sqlite"
        else replace(MYSQL, has_bulk_execute=has_bulk_execute, in_cluster=in_cluster)
    )
