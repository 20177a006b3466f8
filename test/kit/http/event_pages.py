"""The pages about events and the WebSocket as a program reads them: tables, row by row."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs" / "reference"
WORD = re.compile(r"`([a-z_]+)`")
ROWS = ("order", "deal", "position")
"""Plain words that stand for all keys of a row."""

WITHOUT_ACCOUNT = frozenset({"snapshot_done", "heartbeat", "access_removed"})


@dataclass(frozen=True, slots=True)
class DocumentedEvent:
    """One event of the page."""

    name: str
    namespace: str
    is_stored: bool
    about: str
    #: The row that the payload holds, if it does.
    row: str | None
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocumentedAction:
    """One action of a client, with what answers it."""

    namespace: str
    name: str
    keys: tuple[str, ...]
    reply: str
    reply_keys: tuple[str, ...]


def documented_events() -> list[DocumentedEvent]:
    """All events of the page."""
    found: list[DocumentedEvent] = []
    text = (PAGES / "events.md").read_text(encoding="utf-8")
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title = part.splitlines()[0]
        named = re.fullmatch(r"Namespace (\w+)", title)
        if named is None and title != "Not stored":
            continue
        for cells in _rows(part):
            first = cells[2].split(",")[0].strip()
            row = first if first in ROWS else None
            own = () if cells[0].strip("`") in WITHOUT_ACCOUNT or row else ("account_id",)
            found.append(
                DocumentedEvent(
                    name=cells[0].strip("`"),
                    namespace=named[1] if named else cells[3].strip("`"),
                    is_stored=named is not None,
                    about=cells[1],
                    row=row,
                    keys=(*own, *WORD.findall(cells[2])),
                )
            )
    return found


def documented_actions() -> list[DocumentedAction]:
    """All actions of the page."""
    found: list[DocumentedAction] = []
    asked = tuple(cells[0].strip("`") for cells in _rows(_part("### subscribe")))
    for cells in _rows(_part("## Actions")):
        spoken = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", cells[2]))
        keys = asked if cells[2] == "below" else tuple(WORD.findall(spoken))
        told = re.match(r"`(\w+)`(?: `\{(.*?)\}`)?", cells[3])
        assert told is not None, cells
        namespace = WORD.search(cells[0])
        found.append(
            DocumentedAction(
                namespace=namespace[1] if namespace else "system",
                name=cells[1].strip("`"),
                keys=keys,
                reply=told[1],
                reply_keys=tuple(filter(None, (told[2] or "").split(", "))),
            )
        )
    return found


def documented_close_codes() -> list[tuple[int, str]]:
    """Codes and what they mean."""
    return [(int(cells[0]), cells[1]) for cells in _rows(_part("## Close codes"))]


def _part(heading: str) -> str:
    text = (PAGES / "websocket.md").read_text(encoding="utf-8")
    rest = text.split(f"{heading}\n", 1)[1]
    return re.split(r"^##", rest, maxsplit=1, flags=re.MULTILINE)[0]


def _rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        if not line.startswith("|---"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
