"""Plain SQL against the database of a gateway under test, past all of its code."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pymysql


def fetch_rows(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    """All rows of one SELECT; ``dsn`` is the gateway's own database URL."""
    with connect(dsn) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        return [tuple(row) for row in cursor.fetchall()]


def fetch_number(dsn: str, statement: str) -> int:
    """The one number that a SELECT answers."""
    ((value,),) = fetch_rows(dsn, statement)
    return int(value or 0)


def execute(dsn: str, *statements: str) -> None:
    """Run writing statements in one transaction, as an operator with a client would."""
    with connect(dsn) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


@contextmanager
def connect(dsn: str) -> Iterator[Any]:
    """A DB-API connection, closed at the end."""
    parts = urlsplit(dsn)
    if parts.scheme.startswith("sqlite"):
        connection: Any = sqlite3.connect(parts.path[1:], timeout=10)
    else:
        assert parts.port is not None
        connection = pymysql.connect(
            host=parts.hostname,
            port=parts.port,
            user=parts.username,
            database=parts.path[1:],
            # A node of a cluster answers with all that was committed anywhere before.
            init_command="SET SESSION wsrep_sync_wait = 7",
        )
    try:
        yield connection
    finally:
        connection.close()


def insert_credentials(dsn: str, account_id: int, fingerprint: str) -> None:
    """Credentials of the account, which nothing opens, of a key known by ``fingerprint``."""
    is_lite = dsn.startswith("sqlite")
    at = "2026-01-01T00:00:00.000000Z" if is_lite else "2026-01-01 00:00:00"
    execute(
        dsn,
        "INSERT INTO account_credentials_encrypted (account_id, api_key_enc, secret_enc,"
        " key_id, fingerprint, created_at, updated_at) VALUES"
        f" ({account_id}, '', '', 'k', '{fingerprint}', '{at}', '{at}')",
    )
