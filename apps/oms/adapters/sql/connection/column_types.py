"""Column types that both kinds of database keep exactly.

DEC     DECIMAL(36,18) on MySQL; on SQLite, which has no decimals, plain text
TS      DATETIME(6) in UTC on MySQL; on SQLite RFC 3339 text, whose order is the order of time
X(n)    text compared byte by byte: identifiers of others, hashes
S(n)    text for people and words of ours
J       JSON as text: kept as it was written, never parsed by the database

Tables are made with a binary collation, so that both databases compare S alike too; X differs in
that trailing spaces count.
"""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Numeric, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

from oms.domain.money import decimal_text

BigIntId = BigInteger().with_variant(mysql.BIGINT(), "mysql", "mariadb")
TABLE_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


class DecimalType(TypeDecorator[Decimal]):
    """18 digits before the point and 18 behind it, never a binary float."""

    impl = Numeric(36, 18)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text where the database has no decimals."""
        exact: TypeEngine[Any] = String(64) if dialect.name == "sqlite" else Numeric(36, 18)
        return dialect.type_descriptor(exact)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Plain notation where it is text."""
        return decimal_text(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Always a ``Decimal``."""
        return None if value is None else Decimal(value)


class TimestampType(TypeDecorator[datetime]):
    """An instant with microseconds; aware and UTC on both sides."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text where the database has no times."""
        exact: TypeEngine[Any] = (
            String(32) if dialect.name == "sqlite" else mysql.DATETIME(timezone=False, fsp=6)
        )
        return dialect.type_descriptor(exact)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """UTC without a zone, or RFC 3339."""
        if value is None:
            return None
        return (
            format_time(value) if dialect.name == "sqlite" else to_utc(value).replace(tzinfo=None)
        )

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Aware, UTC."""
        if value is None:
            return None
        return parse_time(value) if dialect.name == "sqlite" else value.replace(tzinfo=UTC)


class ExactText(TypeDecorator[str]):
    """Text of at most ``length`` characters that is equal only byte by byte."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The collation without padding: each of the two servers has its own name for it."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(self.length))
        is_mariadb = getattr(dialect, "is_mariadb", False)
        collation = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        column = mysql.VARCHAR(self.length, charset="utf8mb4", collation=collation)
        return dialect.type_descriptor(column)


def ShortText(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters."""
    return String(length)


JsonText: TypeEngine[str] = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def to_utc(moment: datetime) -> datetime:
    """``moment``, which must be aware, in UTC."""
    if moment.tzinfo is UTC:
        return moment
    assert moment.tzinfo is not None, "times are aware"
    return moment.astimezone(UTC)


# The rows of one fill name the same instant a dozen times; writing it costs more than the rest.
@lru_cache(maxsize=512)
def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC, always with six digits of a second: texts sort as times do."""
    return to_utc(moment).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_time(text: str) -> datetime:
    """The instant that ``time_text`` wrote."""
    return datetime.fromisoformat(text[:26]).replace(tzinfo=UTC)
