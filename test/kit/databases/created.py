"""A database of the kind that a test is parametrized with: a SQLite file, or one of the MariaDB."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.schema import create_schema
from kit.databases.sql import dsn_of


def created_database(
    request: pytest.FixtureRequest,
    folder: Path,
    *,
    driver: Literal["aiomysql", "asyncmy"] = "aiomysql",
    has_schema: bool = True,
) -> Iterator[str]:
    """Yield the URL of a new database of the kind ``request.param``, and drop it at the end.

    ``folder`` is that of the SQLite file. Without a schema the gateway that opens it migrates it.
    """
    if request.param == "sqlite":
        url = dsn_of(folder / "oms.sqlite3")
        if has_schema:
            asyncio.run(create_schema(url))
        yield url
        return
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    name = f"oms_{uuid.uuid4().hex[:12]}"
    server.create_database(name)
    url = server.dsn(name, driver)
    if has_schema:
        asyncio.run(create_schema(url))
    yield url
    server.drop_database(name)
