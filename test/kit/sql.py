"""Plain SQL against the database of a gateway under test, past all of its code."""

import sqlite3
from typing import Any
from urllib.parse import urlsplit

import pymysql


def rows(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    """All rows of one SELECT; ``dsn`` is the gateway's own database URL."""
    parts = urlsplit(dsn)
    if parts.scheme.startswith("sqlite"):
        connection = sqlite3.connect(f"file:{parts.path[1:]}?mode=ro", uri=True, timeout=10)
        try:
            return [tuple(row) for row in connection.execute(statement)]
        finally:
            connection.close()
    assert parts.port is not None
    server = pymysql.connect(
        host=parts.hostname, port=parts.port, user=parts.username, database=parts.path[1:]
    )
    try:
        with server.cursor() as cursor:
            cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()]
    finally:
        server.close()


def number(dsn: str, statement: str) -> int:
    """The one number that a SELECT answers."""
    ((value,),) = rows(dsn, statement)
    return int(value or 0)
