"""A compact notation for JSON Schemas of rows."""

from collections.abc import Iterable, Mapping
from typing import Any

from oms.domain.ids import ID_MAX

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ID: Schema = {"type": "integer", "minimum": 1, "maximum": ID_MAX}
#: Plain notation: no exponent, no trailing zeros.
DECIMAL: Schema = {"type": "string", "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$"}
TIME: Schema = {"type": "string", "format": "date-time"}
OBJECT: Schema = {"type": "object"}
ANY: Schema = {}
NULL: Schema = {"type": "null"}

TYPES: Mapping[str, Schema] = {
    "any": ANY,
    "bool": BOOLEAN,
    "count": COUNT,
    "dec": DECIMAL,
    "id": ID,
    "ids": {"type": "array", "items": ID},
    "int": {"type": "integer"},
    "null": NULL,
    "number": NUMBER,
    "object": OBJECT,
    "text": TEXT,
    "time": TIME,
}
"""Types of the ``row`` notation, by name."""


def row(text: str, **special: Schema) -> Schema:
    """An object whose keys are always present: ``"id:id price:dec? comment:text?"``.

    A question mark means that the value may be null; ``special`` holds the keys that need more
    than a word.
    """
    keys = {}
    for part in text.split():
        name, _, word = part.partition(":")
        schema = TYPES[word.removesuffix("?")]
        keys[name] = nullable(schema) if word.endswith("?") else schema
    return object_of(keys | special)


def object_of(
    properties: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None
) -> Schema:
    """An object; keys of ``optional`` are there in some answers only."""
    return {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
    }


def nullable(schema: Schema) -> Schema:
    """``schema``, or null."""
    return {"anyOf": [schema, NULL]} if schema else ANY


def any_of(*schemas: Schema) -> Schema:
    """One of several shapes."""
    return {"anyOf": list(schemas)}


def enum_of(*known: str) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(known)}


def array_of(schema: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": schema}


def map_of(schema: Schema) -> Schema:
    """An object of any keys, each of which holds this."""
    return {"type": "object", "additionalProperties": schema}


def ref(name: str) -> Schema:
    """Return a reference to a component schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def items_of(schema: Schema) -> Schema:
    """``{items: [...]}``."""
    return object_of({"items": array_of(schema)})


def page_of(schema: Schema) -> Schema:
    """A page of a history."""
    envelope = row("total:count? page:count? page_size:count? next_cursor:text?")
    return object_of({"items": array_of(schema), **envelope["properties"]})


def open_list_of(schema: Schema) -> Schema:
    """An open list: the envelope of a page whose numbers are null."""
    envelope = row("total:null page:null page_size:null next_cursor:null truncated:bool")
    return object_of({"items": array_of(schema), **envelope["properties"]})


def ok_response(text: str = "", **special: Schema) -> Schema:
    """``{ok: true, ...}``: what a change answers."""
    return row(f"ok:bool {text}", **special)


def without_titles(schema: Any) -> Any:
    """A generated schema without the titles that only repeat its keys."""
    if isinstance(schema, Mapping):
        return {
            key: without_titles(value)
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str))
        }
    if isinstance(schema, Iterable) and not isinstance(schema, str):
        return [without_titles(value) for value in schema]
    return schema
