"""What goes wrong in a database, in our words: nothing of a driver leaves this folder.

Three kinds matter to callers: it does not answer (``Unavailable``), it asks to do the transaction
again (``Again``, kept inside), it already has such a row (``Duplicate``, kept inside). All else is
a mistake of ours, an ``OmsError`` with code ``internal_error``.
"""

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from oms.domain.errors import OmsError, Unavailable

#: Deadlock, lock wait timeout, and MariaDB's "record has changed since last read".
_AGAIN = frozenset({1213, 1205, 1020})
#: Duplicate key, in its two wordings.
_DUPLICATE = frozenset({1062, 1586})
#: Server gone, cannot connect, too many connections, shutting down, killed, read-only, unknown
#: database: a server that comes and goes.
_AWAY = frozenset(
    {1040, 1049, 1053, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1290, 1317, 1836, 1927}
    | {1968, 4031}
    | set(range(2000, 2070))
)
_SQLITE_AWAY = (
    "locked",
    "busy",
    "unable to open",
    "disk i/o",
    "disk is full",
    "readonly",
    "closed",
)

#: All that a statement may raise.
FAILURES = (SQLAlchemyError, OSError, EOFError)


class Again(Exception):
    """The database undid the transaction and it may be done once more."""


class Lost(Exception):
    """The connection broke, so the server undid the transaction, unless it was in its COMMIT."""


class Duplicate(Exception):
    """A row with such a key exists; the transaction is undone."""


def unavailable(error: BaseException) -> Unavailable:
    """The answer to a caller whom the database could not serve."""
    kind = type(getattr(error, "orig", None) or error).__name__
    return Unavailable(f"the database does not answer ({kind})")


def translated(error: BaseException) -> Exception:
    """One of ``FAILURES`` as ``Again``, ``Lost``, ``Duplicate`` or an ``OmsError``."""
    if isinstance(error, PoolTimeout | TimeoutError):
        return unavailable(error)
    if isinstance(error, OSError | EOFError):
        return Lost()
    if not isinstance(error, DBAPIError):
        return mistake(error)
    code = _code(error)
    if code in _AGAIN:
        return Again()
    if code in _DUPLICATE or (isinstance(error, IntegrityError) and "UNIQUE" in str(error.orig)):
        return Duplicate()
    if error.connection_invalidated or isinstance(error, InterfaceError) or code in _AWAY:
        return Lost()
    if code is None and any(word in str(error.orig).lower() for word in _SQLITE_AWAY):
        return unavailable(error)
    return mistake(error)


def mistake(error: BaseException) -> OmsError:
    """A statement that the database refuses: a mistake in this program, told without its text."""
    kind = type(getattr(error, "orig", None) or error).__name__
    number = _code(error) if isinstance(error, DBAPIError) else None
    return OmsError(f"the database refused a statement ({kind} {number or ''})".replace(" )", ")"))


def _code(error: DBAPIError) -> int | None:
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None
