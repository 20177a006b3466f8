"""Plain SQL against the database of a gateway under test, without any of its code."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql

from kit.databases.mariadb import STATEMENT_SECONDS_MAX


def fetch_rows(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    """Returns all rows of one SELECT; ``dsn`` is the database URL of the gateway."""
    with connect(dsn) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        return [tuple(row) for row in cursor.fetchall()]


def fetch_number(dsn: str, statement: str) -> int:
    """Returns the single number of a SELECT; 0 for NULL."""
    ((value,),) = fetch_rows(dsn, statement)
    return int(value or 0)


def execute(dsn: str, *statements: str, seconds_max: float = STATEMENT_SECONDS_MAX) -> None:
    """Executes writing statements in one transaction, each within ``seconds_max``."""
    with connect(dsn, seconds_max) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


@contextmanager
def connect(dsn: str, seconds_max: float = STATEMENT_SECONDS_MAX) -> Iterator[Any]:
    """A DB-API connection, closed on exit."""
    parts = urlsplit(dsn)
    if parts.scheme.startswith("sqlite"):
        connection: Any = sqlite3.connect(parts.path[1:], timeout=10)
    else:
        assert parts.port is not None
        connection = pymysql.connect(
            host=parts.hostname,
            port=parts.port,
            user=parts.username,
            password=unquote(parts.password or ""),
            database=parts.path[1:],
            # A cluster node first applies everything committed at any node before.
            init_command="SET SESSION wsrep_sync_wait = 7",
            ssl_disabled=True,  # Else each connection reads all certificate authorities.
            read_timeout=seconds_max,
        )
    try:
        yield connection
    finally:
        connection.close()


def stored_time(dsn: str) -> str:
    """Returns a time in the notation of the database's time columns."""
    return "2026-01-01T00:00:00.000000Z" if dsn.startswith("sqlite") else "2026-01-01 00:00:00"


def insert_credentials(dsn: str, account_id: int, fingerprint: str) -> None:
    """Inserts credentials of the account with this key ``fingerprint``; they cannot be unsealed."""
    at = stored_time(dsn)
    execute(
        dsn,
        "INSERT INTO account_credentials_encrypted (account_id, api_key_enc, secret_enc,"
        " key_id, fingerprint, created_at, updated_at) VALUES"
        f" ({account_id}, '', '', 'k', '{fingerprint}', '{at}', '{at}')",
    )


def dsn_of(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"
