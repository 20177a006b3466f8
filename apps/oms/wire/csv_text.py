"""CSV text (RFC 4180) of rows as JSON values.

Spreadsheets run a cell that begins like a formula, also where the text came from someone else, as a
comment or a name. Such a cell gets an apostrophe in front; numbers, also negative ones, stay
numbers.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from oms.wire.json import dumps_fast

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the full-width forms of the first four."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def csv_lines(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Return a line for each row, with the cells of ``columns``; an absent key is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else dumps_fast(value)
    if text.startswith(FORMULA_STARTS) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
