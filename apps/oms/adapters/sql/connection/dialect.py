"""What the two kinds of database say differently: the only place where it is known.

A ``Dialect`` gives words for SQL text, and turns values into what the driver wants and back. Hot
statements are text with bound values, so they need both; everything else goes through
SQLAlchemy's own compiler and the column types.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from oms.adapters.sql.connection.column_types import format_time, parse_time, to_utc
from oms.domain.money import decimal_text

PADDED_VALUES_MAX = 1024
"""More values than this are a list of their own length: drivers and servers bound what is bound."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Words and values of one kind of database."""

    #: ``mysql`` or ``sqlite``.
    name: str
    #: A bound value in SQL text.
    param: str
    #: The database's clock, UTC.
    now: str
    #: The same, with one bound value of ``seconds_in`` added.
    now_plus: str
    #: Seconds since the column ``{}``, a float.
    age: str
    #: Whether the driver repeats a prepared statement for many rows cheaply (``bulk``).
    has_bulk_execute: bool
    #: Whether nodes of a cluster write beside each other. A lock holds at one node only: there
    #: transactions exclude each other by the rows they change alone.
    in_cluster: bool
    #: Locks the rows read, where the transaction does not hold them already.
    for_update: str
    encode_seconds: Callable[[float], Any]
    encode_time: Callable[[datetime], Any]
    decode_time: Callable[[Any], datetime]
    encode_decimal: Callable[[Decimal], Any]
    #: ``decimal_in``, or ``None``: of a dozen numbers of a row most are absent.
    encode_optional_decimal: Callable[[Decimal | None], Any]
    decode_decimal: Callable[[Any], Decimal]

    def params(self, count: int) -> str:
        """``count`` bound values for an IN list; at least one, which is then NULL's."""
        return ", ".join([self.param] * count)

    def in_list(self, ids: Collection[int]) -> tuple[str, Sequence[int]]:
        """An IN list of ``ids`` and its values, in one of few lengths: the same words for many."""
        values = self.pad_values(ids)
        return self.params(len(values)), values

    def pad_values(self, values: Collection[Value]) -> Sequence[Value]:
        """``values``, of which the last is named again up to the next power of two; not of many."""
        few = tuple(values)
        if len(few) > PADDED_VALUES_MAX:
            return few
        more = (1 << (len(few) - 1).bit_length()) - len(few)
        return few + few[-1:] * more

    def encode_optional_time(self, value: datetime | None) -> Any:
        """``time_in``, or ``None``."""
        return None if value is None else self.encode_time(value)

    def decode_optional_time(self, value: Any) -> datetime | None:
        """``time_out``, or ``None``."""
        return None if value is None else self.decode_time(value)

    def decode_optional_decimal(self, value: Any) -> Decimal | None:
        """``decimal_out``, or ``None``."""
        return None if value is None else self.decode_decimal(value)

    def with_index(self, table: str, index: str, alias: str = "") -> str:
        """``table`` in a FROM clause, to be read by ``index`` whatever the planner believes."""
        named = f"{table} {alias}".strip()
        word = "FORCE INDEX (" + index + ")" if self.name == "mysql" else "INDEXED BY " + index
        return f"{named} {word}"

    def upsert_clause(
        self, key: Sequence[str], update_columns: Sequence[str], empty: Sequence[str] = ()
    ) -> str:
        """After an INSERT: where the primary ``key`` exists, change these columns instead.

        ``empty`` columns are not in the INSERT and become NULL.
        """
        told = "VALUES({0})" if self.name == "mysql" else "excluded.{0}"
        sets = ", ".join(
            f"{name} = " + ("NULL" if name in empty else told.format(name))
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
    in_cluster=False,
    for_update=" FOR UPDATE",
    encode_seconds=lambda seconds: round(seconds * 1_000_000),
    # The drivers write the digits of a time and leave the zone out.
    encode_time=to_utc,
    decode_time=lambda value: value.replace(tzinfo=UTC),
    encode_decimal=lambda value: value,
    encode_optional_decimal=lambda value: value,
    decode_decimal=lambda value: value,
)

SQLITE = Dialect(
    name="sqlite",
    param="?",
    # SQLite tells milliseconds; the zeros make its text as wide as ours.
    now="strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')",
    now_plus="strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', ?)",
    age="(julianday('now') - julianday({})) * 86400.0",
    has_bulk_execute=True,
    in_cluster=False,
    for_update="",
    encode_seconds=lambda seconds: f"{seconds:+.3f} seconds",
    encode_time=format_time,
    decode_time=parse_time,
    encode_decimal=decimal_text,
    encode_optional_decimal=lambda value: None if value is None else decimal_text(value),
    decode_decimal=Decimal,
)


def get_dialect(name: str, *, has_bulk_execute: bool, in_cluster: bool = False) -> Dialect:
    """The dialect of a SQLAlchemy backend name; on MySQL with the arts of driver and server."""
    return (
        SQLITE
        if name == "sqlite"
        else replace(MYSQL, has_bulk_execute=has_bulk_execute, in_cluster=in_cluster)
    )
