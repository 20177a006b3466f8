"""Request bodies: schemas generated from the validators that read them, and examples.

Added to the generated schemas are aliases of keys, and null for optional keys.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from oms.wire.commands import command_schemas
from oms.wire.commands.modify_requests import STOP_ALIASES
from oms.wire.commands.order_requests import CLOSE_ALIASES, IGNORED_ON_CLOSE, SEND_ALIASES
from oms.wire.commands.preview_requests import PREVIEWS_MAX
from oms.wire.json_schema import REFERENCE, Schema, without_titles

_NULL: Schema = {"type": "null"}


class Validator(Protocol):
    """A validator with a JSON Schema."""

    def json_schema(self, *, ref_template: str) -> dict[str, Any]:
        """Return the schema, with referenced ones under ``$defs``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a request carries: its schema, the schemas to which it refers, and an example."""

    schema: Schema
    build_schemas: Callable[[], Mapping[str, Schema]]
    example: object
    is_required: bool = True


def validated(
    name: str,
    validator: Validator,
    example: object,
    *,
    more: Mapping[str, Schema] | None = None,
    required: tuple[str, ...] = (),
    is_required: bool = True,
) -> Body:
    """Return the body that ``validator`` reads, under ``name`` in the document.

    ``more`` are keys that are read apart from it, ``required`` keys that the route needs as well.
    """

    def build() -> Mapping[str, Schema]:
        schemas = _generated(name, validator, more or {})
        schemas[name]["required"] = [*schemas[name]["required"], *required]
        return schemas

    return Body(schema=_ref(name), build_schemas=build, example=example, is_required=is_required)


def described(
    name: str, schema: Mapping[str, Any], example: object, *, is_required: bool = True
) -> Body:
    """Return a body of ``schema``, for what no single validator reads."""
    return Body(
        schema=_ref(name),
        build_schemas=lambda: {name: {**schema}},
        example=example,
        is_required=is_required,
    )


def object_of(required: Mapping[str, Schema], optional: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object."""
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
    }


def _payload_schemas() -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    commands = []
    for word, (validator, aliases) in COMMANDS.items():
        name = "".join(part.title() for part in word.split("_")) + "Payload"
        found |= _generated(name, validator, {}, aliases)
        commands.append(_command(word, name))
    # Keys that old clients send: merged into ``params``, or without effect.
    found["SendOrderPayload"]["properties"]["extra"] = {"type": ["object", "null"]}
    found["ClosePositionPayload"]["properties"] |= {name: {} for name in IGNORED_ON_CLOSE}
    found["CommandRequest"] = {"anyOf": commands}
    return found


def _generated(
    name: str,
    validator: Validator,
    more: Mapping[str, Schema],
    aliases: Mapping[str, str] | None = None,
) -> dict[str, Schema]:
    schema: Schema = without_titles(validator.json_schema(ref_template=REFERENCE))
    found: dict[str, Schema] = schema.pop("$defs", {})
    keys: dict[str, Schema] = schema["properties"] | dict(more)
    needed: list[str] = schema.get("required", [])
    for alias, key in (aliases or {}).items():
        keys[alias] = keys[key]
    aliased = {key: [alias for alias, of in (aliases or {}).items() if of == key] for key in needed}
    plain = [key for key in needed if not aliased[key]]
    schema["required"] = plain
    if len(plain) < len(needed):
        spellings = [[key, *aliased[key]] for key in needed if aliased[key]]
        schema["allOf"] = [
            {"anyOf": [{"required": [name]} for name in names]} for names in spellings
        ]
    schema["properties"] = {
        key: value if key in needed else {"anyOf": [value, _NULL]} for key, value in keys.items()
    }
    return {**found, name: schema}


def _command(word: str, payload: str) -> Schema:
    envelope = command_schemas.ENVELOPE.json_schema()["properties"]
    command = object_of(
        {"command": {"type": "string", "const": word}, "payload": _ref(payload)},
        {name: {"anyOf": [envelope[name], _NULL]} for name in ("account_id", "request_id")},
    )
    schema: Schema = without_titles(command | {"additionalProperties": False})
    return schema


def _ref(name: str) -> Schema:
    return {"$ref": REFERENCE.format(model=name)}


COMMANDS: Mapping[str, tuple[Validator, Mapping[str, str]]] = {
    "send_order": (command_schemas.SEND, SEND_ALIASES),
    "cancel_order": (command_schemas.CANCEL, {}),
    "cancel_all_orders": (command_schemas.BULK_SCOPE, {}),
    "change_order": (command_schemas.CHANGE, {}),
    "close_position": (command_schemas.CLOSE, CLOSE_ALIASES),
    "close_all": (command_schemas.BULK_SCOPE, {}),
    "close_by": (command_schemas.CLOSE_BY, {}),
    "merge_positions": (command_schemas.MERGE, STOP_ALIASES),
    "position_change": (command_schemas.POSITION_CHANGE, STOP_ALIASES),
    "break_even": (command_schemas.POSITION, {}),
    "reverse_position": (command_schemas.POSITION, {}),
}
"""The payload of each command, with the other names of its keys."""


def _preview_schemas() -> dict[str, Schema]:
    found = _payload_schemas()
    words = ("send_order", "close_position", "change_order")
    change = found["ChangeOrderPayload"]
    kept = {*change["required"], "comment", "symbol", "side", "order_type"}
    found["ChangeOrderPreview"] = change | {
        "properties": {
            name: each
            for name, each in change["properties"].items()
            if name in kept or name.startswith("new_")
        }
    }
    names = ("SendOrderPayload", "ClosePositionPayload", "ChangeOrderPreview")
    commands = [_command(word, name) for word, name in zip(words, names, strict=True)]
    found["PreviewRequest"] = {"anyOf": commands}
    return found


def _one_or_many(name: str, items_max: int) -> Schema:
    return {"anyOf": [_ref(name), {"type": "array", "items": _ref(name), "maxItems": items_max}]}


COMMANDS_BODY = Body(
    schema=_one_or_many("CommandRequest", 1000),
    build_schemas=_payload_schemas,
    example={
        "account_id": 1,
        "command": "send_order",
        "payload": {
            "symbol": "BTC/USDT:USDT",
            "side": "buy",
            "order_type": "market",
            "qty": "0.01",
        },
    },
)
"""One command, or a list of up to a thousand."""

PREVIEWS_BODY = Body(
    schema=_one_or_many("PreviewRequest", PREVIEWS_MAX),
    build_schemas=_preview_schemas,
    example=COMMANDS_BODY.example,
)
"""One command that has a preview, or a list of them."""
