"""Generates docs/reference/asyncapi.json, the AsyncAPI 3.0 document of ``/ws``.

Events, actions and close codes come from the reference pages, which tests compare with the code;
schemas of rows, commands and errors come from the OpenAPI document.

    python tools/generate_asyncapi.py
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test"))

from kit.http import event_pages  # noqa: E402
from kit.http.event_pages import DocumentedAction, DocumentedEvent  # noqa: E402
from oms import __version__  # noqa: E402
from oms.api.app import served_routes  # noqa: E402
from oms.api.openapi.document import build_document  # noqa: E402
from oms.wire.json_schema import REFERENCE  # noqa: E402
from oms.wire.responses.ledger_rows import PositionRow  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "asyncapi.json"
DETAIL = "ErrorDetail"
CHANNEL = {"$ref": "#/channels/ws"}
ROWS = {"order": "Order", "deal": "Deal", "position": "Position"}
INFO = (
    "Events as they happen, and commands on the same connection. JSON text frames, one object "
    "each. Send the key in the header of the request to connect, or in an `auth` frame. Replies "
    "carry the `id` of the frame that they answer. After any close connect again with `from_seq`."
)
Json = dict[str, Any]


def document() -> Json:
    """Returns the document."""
    actions, events = event_pages.documented_actions(), event_pages.documented_events()
    messages = dict(_messages(actions, events))
    schemas = build_document(__version__, served_routes())["components"]["schemas"]
    position = TypeAdapter(PositionRow).json_schema(ref_template=REFERENCE)
    schemas |= position.pop("$defs", {})
    schemas["Position"] = position
    schemas["SocketCommand"] = _with_wait(schemas["CommandRequest"])
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "oms-gateway", "version": __version__, "description": INFO},
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:8000",
                "protocol": "ws",
                "security": [
                    {"$ref": "#/components/securitySchemes/api_key"},
                    {"$ref": "#/components/securitySchemes/bearer"},
                ],
            }
        },
        "channels": {
            "ws": {
                "address": "/ws",
                "messages": {name: _ref("messages", name) for name in messages},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": dict(_operations(actions, events)),
        "components": {
            "messages": messages,
            "schemas": dict(_used_schemas(messages, schemas)),
            "securitySchemes": {
                "api_key": {"type": "httpApiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
        "x-close-codes": {str(code): about for code, about in event_pages.documented_close_codes()},
    }


def render() -> str:
    """Returns the JSON text of the document."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


def _messages(
    actions: list[DocumentedAction], events: list[DocumentedEvent]
) -> Iterator[tuple[str, Json]]:
    hello = _object("session", "server_time", "heartbeat_ms", "version")
    yield (
        "connected",
        _message("The first frame of a connection.", _server_frame("connected", hello)),
    )
    for action in actions:
        yield action.name, _message(f"Request of `{action.name}`.", _action_frame(action))
        yield action.reply, _message(f"Reply to `{action.name}`.", _reply_frame(action))
    of_call = _object("message", "request_id", code={"const": "ccxt_error"}, detail=_schema(DETAIL))
    refused = _server_frame("error", {"anyOf": [_schema(DETAIL), of_call]}, ok=False)
    yield "error", _message("A frame was refused, or a call was.", refused)
    for event in events:
        yield event.name, _message(event.about, _event_frame(event))


def _with_wait(command: Json) -> Json:
    """Returns the schema of a command with ``wait_ms``."""
    wait = {"wait_ms": {"type": "integer", "minimum": 0, "maximum": 60_000}}
    return {"anyOf": [one | {"properties": one["properties"] | wait} for one in command["anyOf"]]}


def _message(about: str, payload: Json) -> Json:
    plain = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", about)
    return {"summary": plain, "payload": payload}


def _action_frame(action: DocumentedAction) -> Json:
    payload = _object(*action.keys, required=())
    if action.name == "command":
        payload = _schema("SocketCommand")
    return _object(
        id={},
        namespace={"const": action.namespace},
        action={"const": action.name},
        payload=payload,
        required=("action",),
    )


def _reply_frame(action: DocumentedAction) -> Json:
    payload = _object(*action.reply_keys)
    if action.name == "command":
        payload = _schema("CommandResult")
    elif action.name == "call":
        payload = _object("result")
    return _server_frame(action.reply, payload)


def _server_frame(event: str, payload: Json, *, ok: bool | None = None) -> Json:
    """Returns the schema of a reply or of the first frame."""
    kind = {"enum": ["ws_response", "ws_event"]}
    constant = {} if ok is None else {"const": ok}
    return _object(
        id={},
        ok={"type": "boolean", **constant},
        type=kind,
        event={"const": event},
        payload=payload,
    )


def _event_frame(event: DocumentedEvent) -> Json:
    """Returns the schema of a pushed frame; stored events have numbers."""
    payload = _object(*event.keys)
    if event.row is not None:
        payload = {"allOf": [_schema(ROWS[event.row]), payload]}
    numbers: Json = {}
    if event.is_stored:
        whole = {"type": "integer"}
        numbers = {"event_id": whole, "account_id": whole, "seq": whole, "prev_seq": whole}
        numbers["ts"] = {"type": "string", "format": "date-time"}
    return _object(
        id={"type": "null"},
        ok={"const": True},
        type={"const": "ws_event"},
        namespace={"const": event.namespace},
        action={"enum": ["event", "snapshot"]},
        event={"const": event.name},
        payload=payload,
        **numbers,
    )


def _operations(
    actions: list[DocumentedAction], events: list[DocumentedEvent]
) -> Iterator[tuple[str, Json]]:
    """Yields the operations: the gateway receives actions and sends events."""
    for action in actions:
        yield (
            action.name,
            {
                "action": "receive",
                "channel": CHANNEL,
                "messages": [_of_channel(action.name)],
                "reply": {
                    "channel": CHANNEL,
                    "messages": [_of_channel(action.reply), _of_channel("error")],
                },
            },
        )
    for name in ("connected", *(event.name for event in events)):
        operation = {"action": "send", "channel": CHANNEL, "messages": [_of_channel(name)]}
        yield f"send_{name}", operation


def _used_schemas(
    messages: Mapping[str, Json], schemas: Mapping[str, Json]
) -> Iterator[tuple[str, Json]]:
    """Yields the schemas that messages use, directly and indirectly."""
    used: dict[str, Json] = {}
    waiting = _schema_names(messages)
    while waiting:
        name = waiting.pop()
        if name not in used:
            used[name] = schemas[name]
            waiting |= _schema_names(used[name])
    yield from sorted(used.items())


def _schema_names(value: object) -> set[str]:
    return set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(value)))


def _object(*keys: str, required: tuple[str, ...] | None = None, **special: Json) -> Json:
    properties: Json = {**{key: {} for key in keys}, **special}
    shape: Json = {"type": "object", "properties": properties}
    needed = list(properties) if required is None else list(required)
    return shape | ({"required": needed} if needed else {})


def _schema(name: str) -> Json:
    return _ref("schemas", name)


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _of_channel(name: str) -> Json:
    return {"$ref": f"#/channels/ws/messages/{name}"}


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
