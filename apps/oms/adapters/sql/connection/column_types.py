"""Column types that store values exactly in every supported database.

DecimalType    DECIMAL(36,18) on MySQL; plain text on SQLite, which has no decimals
TimestampType  DATETIME(6) in UTC on MySQL; RFC 3339 text on SQLite, which sorts by time
ExactText(n)   text compared byte by byte: external identifiers, hashes
ShortText(n)   labels and our own codes
JsonText       JSON as text, never parsed by the database

Tables use a binary collation, so ShortText compares alike in every database; in ExactText trailing
spaces count as well.
"""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Numeric, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

from oms.domain.money import decimal_text
from oms.domain.times import utc_text

BigIntId = BigInteger().with_variant(mysql.BIGINT(), "mysql", "mariadb")
TABLE_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


class DecimalType(TypeDecorator[Decimal]):
    """Decimal with 18 digits before and 18 after the point; never a binary float."""

    impl = Numeric(36, 18)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return text for SQLite, DECIMAL otherwise."""
        exact: TypeEngine[Any] = String(64) if dialect.name == "sqlite" else Numeric(36, 18)
        return dialect.type_descriptor(exact)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Return plain notation for SQLite, the value otherwise."""
        return decimal_text(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Return a ``Decimal``."""
        return None if value is None else Decimal(value)


class TimestampType(TypeDecorator[datetime]):
    """Point in time with microseconds; aware and UTC in Python."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return text for SQLite, DATETIME(6) otherwise."""
        exact: TypeEngine[Any] = (
            String(32) if dialect.name == "sqlite" else mysql.DATETIME(timezone=False, fsp=6)
        )
        return dialect.type_descriptor(exact)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return RFC 3339 text for SQLite, naive UTC otherwise."""
        if value is None:
            return None
        return utc_text(value) if dialect.name == "sqlite" else to_utc(value).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return an aware UTC time."""
        if value is None:
            return None
        return parse_time(value) if dialect.name == "sqlite" else value.replace(tzinfo=UTC)


class ExactText(TypeDecorator[str]):
    """Text of at most ``length`` characters, compared byte by byte."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type with the no-pad binary collation, whose name differs per server."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(self.length))
        is_mariadb = getattr(dialect, "is_mariadb", False)
        collation = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        column = mysql.VARCHAR(self.length, charset="utf8mb4", collation=collation)
        return dialect.type_descriptor(column)


def ShortText(length: int) -> TypeEngine[str]:
    """Return a text type of at most ``length`` characters."""
    return String(length)


JsonText: TypeEngine[str] = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def to_utc(instant: datetime) -> datetime:
    """Return ``instant``, which must be aware, in UTC."""
    if instant.tzinfo is UTC:
        return instant
    assert instant.tzinfo is not None, "times are aware"
    return instant.astimezone(UTC)


@lru_cache(maxsize=512)
def format_optional_time(instant: datetime | None) -> str | None:
    """Return ``utc_text``, or ``None``."""
    return None if instant is None else utc_text(instant)


# The commands of one submission, and the rows of one fill, have the same time.
@lru_cache(maxsize=512)
def parse_time(text: str) -> datetime:
    """Return the time that ``utc_text`` wrote."""
    return datetime.fromisoformat(text[:26]).replace(tzinfo=UTC)


@lru_cache(maxsize=512)
def parse_optional_time(text: str | None) -> datetime | None:
    """Return ``parse_time``, or ``None``."""
    return None if text is None else parse_time(text)
