"""Output of commands: JSON, or tables on a terminal; failures carry an exit status."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

#: Columns with only these values are left out of a table.
_EMPTY: tuple[Any, ...] = (None, "", {}, [])
_INDENT = 2


class CommandFailed(Exception):
    """A failed command; ``status`` is the exit status of the process."""

    def __init__(self, message: str, *, status: int = 1, answer: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.answer = answer


#: Columns of the widest table that is printed on one line per row.
WIDTH_MAX = 10_000


def is_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout.isatty()


def shows_tables(parsed: argparse.Namespace) -> bool:
    """Return whether a person reads the output: stdout is a terminal, without ``--json``."""
    return not parsed.json and is_terminal()


def emit(answer: Any, *, as_json: bool) -> None:
    """Print ``answer`` on stdout: as JSON, or on a terminal without ``--json`` as tables."""
    if as_json or not is_terminal():
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        print_view(build_view(answer))


def print_view(view: "RenderableType") -> None:
    """Print a view of ``rich`` on stdout; what is wider than the terminal is not squeezed."""
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False)
    unlimited = console.options.update(max_width=WIDTH_MAX)
    console.width = max(console.width, console.measure(view, options=unlimited).maximum)
    console.print(view)


def render_text(view: "RenderableType", width: int = 200) -> str:
    """Return a view as plain text without styles."""
    from rich.console import Console

    file = StringIO()
    Console(file=file, highlight=False, width=width, no_color=True).print(view)
    return file.getvalue()


def build_view(answer: Any) -> "RenderableType":
    """Return the view of an answer: a table of its ``items``, else its keys and values."""
    from rich.console import Group
    from rich.text import Text

    rows = answer.get("items") if isinstance(answer, dict) else None
    if rows:
        return build_table(rows)
    if rows == []:
        return Text("nothing")
    return Group(*_fields(answer)) if isinstance(answer, dict) else Text(_text(answer))


def build_table(rows: Sequence[Mapping[str, Any]]) -> "Table":
    """Return rows as a table; columns that are empty in all rows are left out."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    keys = dict.fromkeys(name for row in rows for name in row)
    names = [name for name in keys if any(row.get(name) not in _EMPTY for row in rows)]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in names:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in names))
    return table


def _fields(value: Mapping[str, Any]) -> "list[RenderableType]":
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    views: list[RenderableType] = []
    for key, item in value.items():
        if isinstance(item, dict):
            views += [Text(f"{key}:"), Padding(Group(*_fields(item)), (0, 0, 0, _INDENT))]
        elif _is_table(item):
            views += [Text(f"{key}:"), Padding(build_table(item), (0, 0, 0, _INDENT))]
        else:
            views.append(Text.assemble(f"{key}: ", _cell(item)))
    return views


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _cell(value: Any) -> "Text":
    from rich.text import Text

    style = {True: "green", False: "red"}.get(value, "") if isinstance(value, bool) else ""
    return Text(_text(value), style=style)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
