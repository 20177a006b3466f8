"""Database errors: no driver exception leaves this package.

Callers outside see ``Unavailable``. Internal kinds are ``RetryableError`` (the server rolled the
transaction back and it may be repeated), ``ConnectionLost``, ``DuplicateKey`` and
``CommitOutcomeUnknown``. Everything else is a defect of this program: an ``OmsError`` with code
``internal_error``.
"""

import sqlite3

from sqlalchemy.exc import TimeoutError as PoolTimeout

from oms.domain.errors import OmsError, Unavailable

#: Deadlock, lock wait timeout, and MariaDB's "record has changed since last read". Galera reports a
#: certification failure as a deadlock, at any statement or at COMMIT.
_RETRYABLE_CODES = frozenset({1213, 1205, 1020})
#: Duplicate key.
_DUPLICATE_CODES = frozenset({1062, 1586})
#: The server is unreachable or restarting: too many connections, shutdown, killed, read-only,
#: unknown database, aborted connections, and all client-side errors (2xxx; 0 is "not connected").
_CONNECTION_CODES = frozenset(
    {0, 1040, 1049, 1053, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1290, 1317, 1836, 1927}
    | {1968, 4031}
    | set(range(2000, 2070))
)
#: A Galera node outside its cluster refuses all statements.
_NOT_IN_CLUSTER = frozenset({1047})
#: What asyncmy raises if a proxy without a server closes the connection while it is set up.
CLOSED_WHILE_CONNECTING = (AttributeError, RuntimeError)
_SQLITE_DAMAGED = ("malformed", "not a database", "database corruption")
_SQLITE_UNAVAILABLE = (
    "locked",
    "busy",
    "unable to open",
    "disk i/o",
    "disk is full",
    "readonly",
)


class RetryableError(Exception):
    """The database rolled the transaction back; it may be repeated."""


class ConnectionLost(Exception):
    """The connection broke; the server rolled back unless COMMIT was in progress."""


class DuplicateKey(Exception):
    """A row with this key exists; the transaction was rolled back."""


class CommitOutcomeUnknown(Exception):
    """The connection broke during COMMIT: whether it was applied is unknown."""


def unavailable_error(error: BaseException) -> Unavailable:
    """Return the error for a caller when the database did not respond."""
    return Unavailable(f"the database does not respond ({_cause(error)})")


def damaged_error() -> Unavailable:
    """Return the error for a database file that SQLite cannot read."""
    message = "the database file is damaged or cut off, or is no SQLite database: restore a backup"
    return Unavailable(message, reason="damaged")


def public_error(error: BaseException) -> OmsError:
    """Return the error for a caller of a statement that raised ``error``."""
    failure = translate_error(error)
    return failure if isinstance(failure, OmsError) else unavailable_error(error)


def outcome_unknown_error() -> Unavailable:
    """Return the error for a caller who can query whether the write was applied."""
    return Unavailable("the outcome of the write is unknown", reason="in_doubt")


def translate_error(error: BaseException) -> Exception:
    """Return the error of this module for what the driver or the pool raised."""
    if isinstance(error, OmsError | RetryableError | ConnectionLost | DuplicateKey):
        return error
    if isinstance(error, PoolTimeout | TimeoutError):
        return unavailable_error(error)
    if isinstance(error, OSError | EOFError):
        return ConnectionLost()
    raw = getattr(error, "orig", None) or error
    if isinstance(raw, sqlite3.Error):
        return _translate_sqlite(raw)
    code = raw.args[0] if raw.args and isinstance(raw.args[0], int) else None
    if code in _RETRYABLE_CODES:
        return RetryableError()
    if code in _DUPLICATE_CODES:
        return DuplicateKey()
    if code in _NOT_IN_CLUSTER:
        return unavailable_error(raw)
    return ConnectionLost() if code in _CONNECTION_CODES else _internal_error(raw)


def _translate_sqlite(error: sqlite3.Error) -> Exception:
    text = str(error)
    if isinstance(error, sqlite3.IntegrityError) and text.startswith("UNIQUE"):
        return DuplicateKey()
    if any(phrase in text.lower() for phrase in _SQLITE_DAMAGED):
        return damaged_error()
    if any(phrase in text.lower() for phrase in _SQLITE_UNAVAILABLE):
        return unavailable_error(error)
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in text:
        return ConnectionLost()
    return _internal_error(error)


def _internal_error(error: BaseException) -> OmsError:
    """Return the error for a statement that the database rejected."""
    return OmsError(f"the database rejected a statement ({_cause(error)})")


def _cause(error: BaseException) -> str:
    """Return type and number of an error; never its text, which may contain stored values."""
    while isinstance(error, ConnectionLost | RetryableError) and error.__cause__ is not None:
        error = error.__cause__
    raw = getattr(error, "orig", None) or error
    number = raw.args[0] if raw.args and isinstance(raw.args[0], int) else ""
    return f"{type(raw).__name__} {number}".strip()
