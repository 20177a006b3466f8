"""Parses the tables of the pages about events and the WebSocket."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs" / "reference"
BACKTICKED = re.compile(r"`([a-z_]+)`")
ROWS = ("order", "deal", "position")
"""Words in a payload column that mean all keys of such a row."""

WITHOUT_ACCOUNT = frozenset({"snapshot_done", "heartbeat", "access_removed", "session_expiring"})


@dataclass(frozen=True, slots=True)
class DocumentedEvent:
    """One documented event."""

    name: str
    namespace: str
    is_stored: bool
    about: str
    #: The kind of row in the payload, if any.
    row: str | None
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocumentedAction:
    """One documented client action with its reply."""

    namespace: str
    name: str
    keys: tuple[str, ...]
    reply: str
    reply_keys: tuple[str, ...]


def documented_events() -> list[DocumentedEvent]:
    """All documented events."""
    rows: list[DocumentedEvent] = []
    text = (PAGES / "events.md").read_text(encoding="utf-8")
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title = part.splitlines()[0]
        heading = re.fullmatch(r"Namespace (\w+)", title)
        if heading is None and title != "Not stored":
            continue
        for cells in _rows(part):
            first = cells[2].split(",")[0].strip()
            row = first if first in ROWS else None
            own_keys = () if cells[0].strip("`") in WITHOUT_ACCOUNT or row else ("account_id",)
            rows.append(
                DocumentedEvent(
                    name=cells[0].strip("`"),
                    namespace=heading[1] if heading else cells[3].strip("`"),
                    is_stored=heading is not None,
                    about=cells[1],
                    row=row,
                    keys=(*own_keys, *BACKTICKED.findall(cells[2])),
                )
            )
    return rows


def documented_actions() -> list[DocumentedAction]:
    """All documented actions."""
    rows: list[DocumentedAction] = []
    subscribe_keys = tuple(cells[0].strip("`") for cells in _rows(_part("### subscribe")))
    for cells in _rows(_part("## Actions")):
        without_parentheses = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", cells[2]))
        keys = (
            subscribe_keys
            if cells[2] == "below"
            else tuple(BACKTICKED.findall(without_parentheses))
        )
        reply = re.match(r"`(\w+)`(?: `\{(.*?)\}`)?", cells[3])
        assert reply is not None, cells
        namespace = BACKTICKED.search(cells[0])
        rows.append(
            DocumentedAction(
                namespace=namespace[1] if namespace else "system",
                name=cells[1].strip("`"),
                keys=keys,
                reply=reply[1],
                reply_keys=tuple(filter(None, (reply[2] or "").split(", "))),
            )
        )
    return rows


def documented_close_codes() -> list[tuple[int, str]]:
    """Documented close codes with their meaning."""
    return [(int(cells[0]), cells[1]) for cells in _rows(_part("## Close codes"))]


def _part(heading: str) -> str:
    text = (PAGES / "websocket.md").read_text(encoding="utf-8")
    rest = text.split(f"{heading}\n", 1)[1]
    return re.split(r"^##", rest, maxsplit=1, flags=re.MULTILINE)[0]


def _rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of the tables, without the header."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        if not line.startswith("|---"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
