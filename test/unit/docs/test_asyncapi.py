"""The AsyncAPI document is generated from the pages, is consistent, and is complete."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kit.http.event_pages import documented_actions, documented_close_codes, documented_events

ROOT = Path(__file__).parents[3]
DOCUMENT: dict[str, Any] = json.loads(
    (ROOT / "docs" / "reference" / "asyncapi.json").read_text(encoding="utf-8")
)
#: Keys that the AsyncAPI 3.0 specification allows, by object.
ALLOWED = {
    "document": {"asyncapi", "id", "info", "servers", "defaultContentType", "channels"}
    | {"operations", "components"},
    "server": {"host", "protocol", "pathname", "description", "security", "bindings", "tags"},
    "channel": {"address", "messages", "title", "summary", "description", "bindings", "servers"},
    "operation": {"action", "channel", "title", "summary", "messages", "reply", "bindings"},
    "message": {"headers", "payload", "name", "title", "summary", "description", "examples"},
}


def test_it_is_generated_from_the_pages() -> None:
    spec = importlib.util.spec_from_file_location(
        "generator", ROOT / "tools" / "generate_asyncapi.py"
    )
    assert spec is not None and spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert generator.document() == DOCUMENT, "run tools/generate_asyncapi.py"


def test_it_has_the_structure_of_an_asyncapi_document() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(DOCUMENT["info"])
    own = {key for key in DOCUMENT if not key.startswith("x-")}
    assert own <= ALLOWED["document"]
    for name, things in (
        ("server", DOCUMENT["servers"]),
        ("channel", DOCUMENT["channels"]),
        ("operation", DOCUMENT["operations"]),
        ("message", DOCUMENT["components"]["messages"]),
    ):
        assert things
        for thing in things.values():
            assert set(thing) <= ALLOWED[name]
    for server in DOCUMENT["servers"].values():
        assert {"host", "protocol"} <= set(server)
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert set(operation["channel"]) == {"$ref"}


def test_every_reference_resolves() -> None:
    found = list(_references(DOCUMENT))
    assert len(found) > 100
    for ref in found:
        assert _at(ref) is not None, ref


def test_operations_use_the_messages_of_their_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        start = operation["channel"]["$ref"] + "/messages/"
        named = [*operation["messages"], *operation.get("reply", {}).get("messages", ())]
        assert named and all(message["$ref"].startswith(start) for message in named)


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["messages"]))
def test_a_payload_is_a_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(DOCUMENT["components"]["messages"][name]["payload"])


def test_it_names_every_action_event_and_close_code() -> None:
    messages, operations = DOCUMENT["components"]["messages"], DOCUMENT["operations"]
    for action in documented_actions():
        assert operations[action.name]["action"] == "receive"
        payload = messages[action.name]["payload"]["properties"]["payload"]
        assert set(action.keys) <= set(_keys(payload))
        assert action.reply in messages
    for event in documented_events():
        assert operations[f"send_{event.name}"]["action"] == "send"
        payload = messages[event.name]["payload"]["properties"]["payload"]
        assert set(event.keys) <= set(_keys(payload))
    assert DOCUMENT["x-close-codes"] == {
        str(code): about for code, about in documented_close_codes()
    }


def _keys(schema: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        yield from _keys(_at(schema["$ref"]))
    yield from schema.get("properties", {})
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
        yield from _keys(part)


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                yield item
            else:
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _at(ref: str) -> Any:
    node: Any = DOCUMENT
    for part in ref.removeprefix("#/").split("/"):
        node = node[part]
    return node
