"""Baselines: the highest rates of this disk and these databases, as a scale for other rates."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pymysql

ROWS_PER_TRANSACTION = 100
_TEXT = "x" * 200


def measure(folder: Path, *, host: str, port: int, database: str, seconds: float) -> dict[str, int]:
    """Returns each floor in operations per second; writes to `folder` and `database`."""
    return {
        "fdatasync/s": _fdatasync(folder, seconds),
        **_mariadb(host, port, database, seconds),
        **_sqlite(folder, seconds),
    }


def _rate(step: Callable[[], object], seconds: float) -> float:
    started = time.monotonic()
    count = 0
    while (elapsed := time.monotonic() - started) < seconds:
        step()
        count += 1
    return count / elapsed


def _fdatasync(folder: Path, seconds: float) -> int:
    path = folder / "floor.bin"
    with path.open("wb", buffering=0) as file:

        def step() -> None:
            file.write(b"x" * 512)
            os.fdatasync(file.fileno())

        rate = _rate(step, seconds)
    path.unlink()
    return round(rate)


def _mariadb(host: str, port: int, database: str, seconds: float) -> dict[str, int]:
    many = ", ".join(["(%s)"] * ROWS_PER_TRANSACTION)
    with (
        closing(
            pymysql.connect(host=host, port=port, user="root", database=database, autocommit=True)
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "CREATE TABLE floors (id BIGINT AUTO_INCREMENT PRIMARY KEY, content VARCHAR(255))"
        )
        single = _rate(
            lambda: cursor.execute("INSERT INTO floors (content) VALUES (%s)", (_TEXT,)), seconds
        )
        batched = _rate(
            lambda: cursor.execute(
                f"INSERT INTO floors (content) VALUES {many}", [_TEXT] * ROWS_PER_TRANSACTION
            ),
            seconds,
        )
        cursor.execute("DROP TABLE floors")
    return {
        "MariaDB commits/s, 1 connection": round(single),
        "MariaDB rows/s, 100 a transaction": round(batched * ROWS_PER_TRANSACTION),
    }


def _sqlite(folder: Path, seconds: float) -> dict[str, int]:
    path = folder / "floor.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE floors (id INTEGER PRIMARY KEY, content TEXT)")
        statement = "INSERT INTO floors (content) VALUES (?)"

        def hundred() -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statement, [(_TEXT,)] * ROWS_PER_TRANSACTION)
            connection.execute("COMMIT")

        single = _rate(lambda: connection.execute(statement, (_TEXT,)), seconds)
        batched = _rate(hundred, seconds)
    path.unlink()
    return {
        "SQLite WAL FULL commits/s": round(single),
        "SQLite rows/s, 100 a transaction": round(batched * ROWS_PER_TRANSACTION),
    }
