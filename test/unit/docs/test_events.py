"""The events page matches the code: every event name and every payload key.

Names and keys are extracted from the source: the keys in functions that contain an event name.
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
    *sorted((CODE / "runner").rglob("*.py")),
    CODE / "wire" / "responses" / "events.py",
    CODE / "adapters" / "sql" / "registry" / "account_admin.py",
]
SOCKETS = sorted((CODE / "api" / "websocket").glob("*.py"))
EVENTS = documented_events()
STORED = {event.name: event for event in EVENTS if event.is_stored}
#: Patterns of event names in the code.
NAMED = re.compile(
    r'\bname\s?=\s?"([a-z_]+)"|"((?:order|deal|position|command)_(?:updated|deleted))"'
    r'|event_type="([a-z_]+)"|\("([a-z_]+)", (?:facts|seen|\w+_events?)\)'
)
#: Names that are formatted strings in the code.
FORMATTED_NAMES = {
    "account_allow_new_positions_changed": 'f"{scope}_allow_new_positions_changed"',
    "strategy_allow_new_positions_changed": 'f"{scope}_allow_new_positions_changed"',
    **{
        f"{channel}_updated": 'f"{channel.name}_updated"'
        for channel in ("ticker", "orderbook", "trades", "ohlcv")
    },
}
#: Keys of nested values, and of the envelope.
NESTED_KEYS = {
    *("price", "qty", "report", "heard", "exchange_order_id", "message", "code"),
    *("event", "namespace", "payload", "strategy_id", "account_id"),
}
#: Functions that contain event names but do not emit them.
READERS = {"_is_about", "_not_open"}


def test_events_are_unique() -> None:
    names = [event.name for event in EVENTS]
    assert len(names) == len(set(names)) > 35


def test_every_emitted_event_is_on_the_page() -> None:
    emitted: set[str] = set()
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if "Event(" in text or "wire" in path.parts or "event_type" in text:
            emitted |= {next(filter(None, match.groups())) for match in NAMED.finditer(text)}
    assert len(emitted) > 25
    assert sorted(emitted - set(STORED)) == []


@pytest.mark.parametrize("event", EVENTS, ids=[event.name for event in EVENTS])
def test_every_event_on_the_page_is_emitted(event: DocumentedEvent) -> None:
    sources = SOURCES if event.is_stored else SOCKETS
    expected = FORMATTED_NAMES.get(event.name, f'"{event.name}"')
    assert any(expected in path.read_text(encoding="utf-8") for path in sources)


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


def _emitters() -> Iterator[tuple[str, set[str], set[str]]]:
    """(function, event names, keys written) of each function that emits events."""
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if not any(f'"{name}"' in text for name in STORED):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                names = _texts(node) & set(STORED)
                keys = set(_keys(node)) if names else set()
                if keys and node.name not in READERS:
                    yield f"{path.name}:{node.name}", names, keys


EMITTERS = list(_emitters())


@pytest.mark.parametrize(
    ("place", "names", "keys"), EMITTERS, ids=[place for place, _, _ in EMITTERS]
)
def test_the_keys_of_a_payload_are_documented(place: str, names: set[str], keys: set[str]) -> None:
    documented = {key for name in names for key in STORED[name].keys}
    if place.startswith("risk_flags.py"):
        documented |= {"allow_new_positions", "strategy_id"}
    assert keys - documented - NESTED_KEYS == set()
    if place != "events.py:_facts":
        common_keys = {"ccxt_class", "account_id"}  # added when an event is stored
        assert documented - keys - common_keys == set()


def test_most_events_were_checked() -> None:
    checked = set().union(*(names for _, names, _ in EMITTERS))
    unchecked = set(STORED) - checked
    assert unchecked <= {
        *("order_updated", "deal_updated", "position_updated", "deal_deleted"),
        *("discrepancy_opened", "discrepancy_closed"),
        *("account_allow_new_positions_changed", "strategy_allow_new_positions_changed"),
    }
