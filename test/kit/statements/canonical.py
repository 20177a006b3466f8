"""One notation of a statement for both kinds of database, so that either one's record serves both.

The notation is SQLite's, with ``?`` for a bound value.
"""

import re
from datetime import UTC, datetime
from typing import Any

from oms.adapters.sql.connection.dialect import SQLITE
from oms.domain.times import utc_text

NOW, NOW_PLUS = SQLITE.now, SQLITE.now_plus
_AGE = SQLITE.age.format(r"\1")
#: Words of MariaDB, and what they are in SQLite; in this order.
_TO_CANONICAL = (
    (r"%s", "?"),
    (r"%%", "%"),
    (r"FORCE INDEX \((\w+)\)", r"INDEXED BY \1"),
    (r" FOR UPDATE", ""),
    (r"CONCAT\(('[^']*'), ([\w.]+)\)", r"\1 || \2"),
    (r"UTC_TIMESTAMP\(6\) \+ INTERVAL \? MICROSECOND", NOW_PLUS.replace("\\", r"\\")),
    (r"TIMESTAMPDIFF\(MICROSECOND, (\S+), UTC_TIMESTAMP\(6\)\) / 1e6", _AGE),
    (r"UTC_TIMESTAMP\(6\)", NOW),
)
_TO_MARIADB = (
    (re.escape(NOW_PLUS), "UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND"),
    (re.escape(NOW), "UTC_TIMESTAMP(6)"),
    (
        re.escape(SQLITE.age).replace(r"\{\}", r"(\S+?)"),
        r"TIMESTAMPDIFF(MICROSECOND, \1, UTC_TIMESTAMP(6)) / 1e6",
    ),
    (r"('[^']*') \|\| ([\w.]+)", r"CONCAT(\1, \2)"),
    (r"INDEXED BY (\w+)", r"FORCE INDEX (\1)"),
    (r"%", "%%"),
    (r"\?", "%s"),
)
_READING = re.compile(r"\s*(SELECT|UPDATE|DELETE|WITH|INSERT .*\bSELECT\b)", re.DOTALL)
TEXT_CHARACTERS_MAX = 100
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?$")


def canonical_statement(text: str) -> str:
    """Return the statement in the notation of SQLite."""
    if any(word in text for word in ("%s", "UTC_TIMESTAMP", "FORCE INDEX", " FOR UPDATE")):
        text = _replaced(text, _TO_CANONICAL)
    return text


def mariadb_statement(text: str) -> str:
    """Return a canonical statement in the notation of MariaDB."""
    return _replaced(text, _TO_MARIADB)


def statement_key(text: str) -> str | None:
    """Return what equal statements share, whatever the lengths of their lists.

    ``None`` for a statement that reads nothing.
    """
    if not _READING.match(text):
        return None
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\((\?, )*\?\)", "(?)", text)
    text = re.sub(r"\(\?\)(, ?\(\?\))+", "(?)", text)
    parts = text.split(" UNION ALL ")
    kept = [part for number, part in enumerate(parts) if number == 0 or part != parts[number - 1]]
    return re.sub(r"\d+", "0", " UNION ALL ".join(kept))


def plain_value(value: Any) -> Any:
    """Return a bound value as JSON holds it; times as text.

    A longer text than ``TEXT_CHARACTERS_MAX`` is replaced: it is a message or a JSON document,
    which may contain paths of the machine and changes with each run. No statement looks for it.
    """
    match value:
        case str() if len(value) > TEXT_CHARACTERS_MAX:
            return "{}" if value.startswith("{") else "x"
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return utc_text(value.replace(tzinfo=value.tzinfo or UTC))
        case bytes():
            return {"hex": value.hex()}
        case _:
            return str(value)


def bound_value(value: Any, *, is_sqlite: bool) -> Any:
    """Return a recorded value as the driver of that kind of database takes it."""
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"])
    if isinstance(value, str) and _TIME.match(value):
        text = value.rstrip("Z").replace("T", " ")
        time = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return utc_text(time) if is_sqlite else time.replace(tzinfo=None)
    return value


def _replaced(text: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        text = re.sub(pattern, replacement, text)
    return text
