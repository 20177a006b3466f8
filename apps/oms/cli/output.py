"""Output of commands: JSON, or tables on a terminal; failures carry an exit status."""

import json
import sys
from typing import Any

#: Columns with only these values are left out of a table.
_EMPTY: tuple[Any, ...] = (None, "", {}, [])


class CommandFailed(Exception):
    """A failed command; ``status`` is the exit status of the process."""

    def __init__(self, message: str, *, status: int = 1, answer: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.answer = answer


def emit(answer: Any, *, as_json: bool) -> None:
    """Print ``answer`` on stdout: as JSON, or on a terminal without ``--json`` as text."""
    rows = answer.get("items") if isinstance(answer, dict) else None
    if as_json or not sys.stdout.isatty():
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    elif rows:
        print(table(rows))
    elif rows == []:
        print("nothing")
    else:
        print("\n".join(_lines(answer)))


def table(rows: list[dict[str, Any]]) -> str:
    """Return rows as an aligned table; columns that are empty in all rows are left out."""
    keys = dict.fromkeys(name for row in rows for name in row)
    names = [name for name in keys if any(row.get(name) not in _EMPTY for row in rows)]
    cells = [names, *([_text(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _lines(value: Any, depth: int = 0) -> list[str]:
    if not isinstance(value, dict):
        return [_text(value)]
    lines: list[str] = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines.append(f"{'  ' * depth}{key}:")
            lines.extend(_lines(item, depth + 1))
        elif _is_table(item):
            lines.append(f"{'  ' * depth}{key}:")
            lines.extend("  " * (depth + 1) + line for line in table(item).splitlines())
        else:
            lines.append(f"{'  ' * depth}{key}: {_text(item)}")
    return lines


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
