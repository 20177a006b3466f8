"""The page about events says what the code tells: each name, and each key of its payload.

Facts are read off the source: the keys of the functions in which an event's name stands.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from kit.http.event_pages import ROOT, DocumentedEvent, documented_events

CODE = ROOT / "apps" / "oms"
SOURCES = [
    *sorted((CODE / "domain").rglob("*.py")),
    *sorted((CODE / "services").rglob("*.py")),
    CODE / "wire" / "responses" / "events.py",
    CODE / "adapters" / "sql" / "registry" / "account_admin.py",
]
SOCKETS = sorted((CODE / "api" / "websocket").glob("*.py"))
EVENTS = documented_events()
STORED = {event.name: event for event in EVENTS if event.is_stored}
#: How an event gets its name in the code.
NAMED = re.compile(
    r'\bname\s?=\s?"([a-z_]+)"|"((?:order|deal|position|command)_(?:updated|deleted))"'
    r'|event_type="([a-z_]+)"|\("([a-z_]+)", (?:facts|seen|\w+_events?)\)'
)
#: Names that are put together.
PUT_TOGETHER = {
    "account_allow_new_positions_changed": 'f"{scope}_allow_new_positions_changed"',
    "strategy_allow_new_positions_changed": 'f"{scope}_allow_new_positions_changed"',
    **{
        f"{channel}_updated": 'f"{channel.name}_updated"'
        for channel in ("ticker", "orderbook", "trades", "ohlcv")
    },
}
#: Keys inside the value of a key, and of what surrounds a payload.
INNER = {
    *("price", "qty", "report", "heard", "exchange_order_id", "message", "code"),
    *("event", "namespace", "payload", "strategy_id", "account_id"),
}
#: Functions that name events and do not make them.
READERS = {"_is_about", "_not_open", "told"}


def test_an_event_is_told_once() -> None:
    names = [event.name for event in EVENTS]
    assert len(names) == len(set(names)) > 35


def test_every_event_that_is_made_stands_on_the_page() -> None:
    made: set[str] = set()
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if "Event(" in text or "wire" in path.parts or "event_type" in text:
            made |= {next(filter(None, match.groups())) for match in NAMED.finditer(text)}
    assert len(made) > 25
    assert sorted(made - set(STORED)) == []


@pytest.mark.parametrize("event", EVENTS, ids=[event.name for event in EVENTS])
def test_every_event_of_the_page_is_made(event: DocumentedEvent) -> None:
    sources = SOURCES if event.is_stored else SOCKETS
    wanted = PUT_TOGETHER.get(event.name, f'"{event.name}"')
    assert any(wanted in path.read_text(encoding="utf-8") for path in sources)


def _texts(node: ast.AST) -> set[str]:
    found = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return {value for value in found if isinstance(value, str)}


def _keys(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Dict):
            for key in part.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value
        elif isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Store):
            yield from _texts(part.slice)


def _makers() -> Iterator[tuple[str, set[str], set[str]]]:
    """Each function that makes events: its name, theirs, and the keys that it writes."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                names = _texts(node) & set(STORED)
                keys = set(_keys(node))
                if names and keys and node.name not in READERS:
                    yield f"{path.name}:{node.name}", names, keys


MAKERS = list(_makers())


@pytest.mark.parametrize(("place", "names", "keys"), MAKERS, ids=[place for place, _, _ in MAKERS])
def test_the_keys_of_a_payload_are_told(place: str, names: set[str], keys: set[str]) -> None:
    told = {key for name in names for key in STORED[name].keys}
    if place.startswith("risk_flags.py"):
        told |= {"allow_new_positions", "strategy_id"}
    assert keys - told - INNER == set()
    if place != "events.py:_facts":
        added = {"ccxt_class", "account_id"}  # by whoever writes an event down
        assert told - keys - added == set()


def test_most_events_were_looked_into() -> None:
    seen = set().union(*(names for _, names, _ in MAKERS))
    rest = set(STORED) - seen
    assert rest <= {
        *("order_updated", "deal_updated", "position_updated", "deal_deleted"),
        *("discrepancy_opened", "discrepancy_closed"),
        *("account_allow_new_positions_changed", "strategy_allow_new_positions_changed"),
    }
