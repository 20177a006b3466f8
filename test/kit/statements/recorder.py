"""Records which statements the gateway sends to its databases, each text once with its values.

Off unless ``STATEMENT_RECORDS`` names a folder; ``test/integration/store/plans`` says what the
records are for. Statements are recorded in the pytest process (as a plugin) and in processes of the
gateway (``hook/sitecustomize.py``), and written as they come, as processes are killed.
"""

import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from kit.statements.canonical import canonical_statement, plain_value, statement_key
from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import ServerSession, SqliteSession
from oms.adapters.sql.connection.statement_batch import StatementBatch

VARIABLE = "STATEMENT_RECORDS"
_STORE = os.sep + os.path.join("oms", "adapters", "sql") + os.sep
#: What passes statements on, and what runs only while a schema is changed.
_PASSING = ("connection", "migrations")
Send = Callable[..., Awaitable[Any]]


def pytest_configure() -> None:
    """Record the statements of this pytest process if asked to."""
    if folder := os.environ.get(VARIABLE):
        StatementRecorder(Path(folder)).install()


class StatementRecorder:
    """Writes each new statement as one line of JSON: key, text, values, and who sent it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{os.getpid()}.jsonl"
        self._texts: set[str] = set()
        self._keys: set[str] = set()
        self._lock = threading.Lock()

    def install(self) -> None:
        """Observe every session and every engine of this process from now on."""
        for session in (ServerSession, SqliteSession):
            for name in ("execute", "fetch"):
                setattr(session, name, self._observed(getattr(session, name)))
            session.send = self._observed_batch(session.send)  # type: ignore[method-assign]
        # On SQLite its statement is sent in a thread that does not show who asked.
        Database.fetch = self._observed(Database.fetch)  # type: ignore[method-assign]
        event.listen(Engine, "before_cursor_execute", self._before_cursor_execute)

    def _observed(self, send: Send) -> Send:
        async def observed(
            session: Any, text: str, values: Sequence[Any] = (), **options: Any
        ) -> Any:
            self.record(text, values)
            return await send(session, text, values, **options)

        return observed

    def _observed_batch(self, send: Send) -> Send:
        async def observed(session: Any, batch: StatementBatch) -> Any:
            for statement in batch.statements:
                self.record(statement.text, statement.rows[0])
            return await send(session, batch)

        return observed

    def _before_cursor_execute(
        self, _connection: Any, _cursor: Any, text: str, values: Any, _context: Any, many: bool
    ) -> None:
        rows = values if many else [values]
        if rows and isinstance(rows[0], tuple):
            self.record(text, rows[0])

    def record(self, text: str, values: Sequence[Any]) -> None:
        """Record the statement if its text is new and a module of the store sent it."""
        with self._lock:
            if text in self._texts or (sender := _sender()) is None:
                return
            self._texts.add(text)
            canonical = canonical_statement(text)
            key = statement_key(canonical)
            if key is None or key in self._keys:
                return
            self._keys.add(key)
            line = {"text": canonical, "values": [plain_value(each) for each in values]}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "sender": sender} | line) + "\n")


def _sender() -> str | None:
    """The module and function of the store that sends; ``None`` if it is another program's."""
    frame = sys._getframe(2)
    while frame is not None:
        _, found, path = frame.f_code.co_filename.rpartition(_STORE)
        if found and not path.startswith(_PASSING):
            module = path.removesuffix(".py").replace(os.sep, ".")
            return f"{module}:{frame.f_code.co_qualname}"
        frame = frame.f_back  # type: ignore[assignment]
    return None
