"""What goes wrong in a database, in our words: nothing of a driver leaves this folder.

Callers outside know one kind: it does not answer (``Unavailable``). Three more stay inside: the
server undid the transaction and it may be done again (``Again``), the connection broke (``Lost``),
such a row exists (``Duplicate``). All else is a mistake of ours: an ``OmsError`` with code
``internal_error``.
"""

import sqlite3

from sqlalchemy.exc import TimeoutError as PoolTimeout

from oms.domain.errors import OmsError, Unavailable

#: Deadlock, lock wait timeout, and MariaDB's "record has changed since last read". Galera tells of
#: a transaction that another node's overtook as a deadlock, at any statement or at its COMMIT.
_AGAIN = frozenset({1213, 1205, 1020})
#: Duplicate key, in its two wordings.
_DUPLICATE = frozenset({1062, 1586})
#: A server that comes and goes: full, shutting down, killing, read-only, unknown database,
#: aborted connections, and all errors of the client's own side (2xxx; 0 is "not connected").
_AWAY = frozenset(
    {0, 1040, 1049, 1053, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1290, 1317, 1836, 1927}
    | {1968, 4031}
    | set(range(2000, 2070))
)
#: A Galera node that has left its cluster, or has not entered it yet, serves nobody.
_APART = frozenset({1047})
_SQLITE_AWAY = (
    "locked",
    "busy",
    "unable to open",
    "disk i/o",
    "disk is full",
    "readonly",
)


class RetryableError(Exception):
    """The database undid the transaction and it may be done once more."""


class ConnectionLost(Exception):
    """The connection broke, so the server undid the transaction, unless it was in its COMMIT."""


class DuplicateKey(Exception):
    """A row with such a key exists; the transaction is undone."""


class CommitOutcomeUnknown(Exception):
    """The connection broke while COMMIT was under way: written or not, nobody said."""


def unavailable_error(error: BaseException) -> Unavailable:
    """The answer to a caller whom the database could not serve."""
    return Unavailable(f"the database does not answer ({_cause(error)})")


def outcome_unknown_error() -> Unavailable:
    """The answer to a caller who can find out by looking."""
    return Unavailable("whether it was written is not known", reason="in_doubt")


def translate_error(error: BaseException) -> Exception:
    """What the driver or the pool raised, as one of the kinds above."""
    if isinstance(error, OmsError | RetryableError | ConnectionLost | DuplicateKey):
        return error
    if isinstance(error, PoolTimeout | TimeoutError):
        return unavailable_error(error)
    if isinstance(error, OSError | EOFError):
        return ConnectionLost()
    raw = getattr(error, "orig", None) or error
    if isinstance(raw, sqlite3.Error):
        return _of_sqlite(raw)
    code = raw.args[0] if raw.args and isinstance(raw.args[0], int) else None
    if code in _AGAIN:
        return RetryableError()
    if code in _DUPLICATE:
        return DuplicateKey()
    if code in _APART:
        return unavailable_error(raw)
    return ConnectionLost() if code in _AWAY else _mistake(raw)


def _of_sqlite(error: sqlite3.Error) -> Exception:
    text = str(error)
    if isinstance(error, sqlite3.IntegrityError) and text.startswith("UNIQUE"):
        return DuplicateKey()
    if any(word in text.lower() for word in _SQLITE_AWAY):
        return unavailable_error(error)
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in text:
        return ConnectionLost()
    return _mistake(error)


def _mistake(error: BaseException) -> OmsError:
    """A statement that the database refuses: a mistake in this program."""
    return OmsError(f"the database refused a statement ({_cause(error)})")


def _cause(error: BaseException) -> str:
    """The kind of an error and its number: never its text, which may hold what was written."""
    while isinstance(error, ConnectionLost | RetryableError) and error.__cause__ is not None:
        error = error.__cause__
    raw = getattr(error, "orig", None) or error
    number = raw.args[0] if raw.args and isinstance(raw.args[0], int) else ""
    return f"{type(raw).__name__} {number}".strip()
