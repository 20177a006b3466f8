"""Validation of JSON objects against pydantic schemas, with error locations.

The schemas themselves are in ``command_schemas`` and ``admin_schemas``.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from oms.wire.request_body import ERRORS_MAX, Location, Malformed, malformed_at

Fields = TypeVar("Fields")

KEYS_MAX = 200
"""Maximum number of keys of one object; each unknown key would be an error of its own."""


def require_object(value: object, at: Location) -> Mapping[str, Any]:
    """Return ``value`` if it is a JSON object. Raises ``Malformed``."""
    if not isinstance(value, dict):
        raise malformed_at(at, "an object is expected", "object")
    return value


def drop_nulls(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys whose value is not null."""
    return {key: value for key, value in sent.items() if value is not None}


def resolve_aliases(
    sent: Mapping[str, Any], aliases: Mapping[str, str], at: Location
) -> dict[str, Any]:
    """Rename aliases to field names. Raises ``Malformed`` if alias and field differ."""
    fields = dict(sent)
    for alias, name in aliases.items():
        if alias in fields:
            value = fields.pop(alias)
            if fields.setdefault(name, value) != value:
                raise malformed_at((*at, alias), f"{alias} and {name} differ")
    return fields


def validate(
    schema: TypeAdapter[Fields],
    fields: object,
    at: Location,
    locate: Callable[[Location], Location] = lambda loc: loc,
) -> Any:
    """Validate ``fields`` by ``schema``; ``locate`` maps error locations to the sent key names.

    Raises ``Malformed``.
    """
    if isinstance(fields, dict) and len(fields) > KEYS_MAX:
        raise malformed_at(at, f"at most {KEYS_MAX} keys are allowed", "too_long")
    try:
        return schema.validator.validate_python(fields)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        raise Malformed(
            [
                {"loc": [*at, *locate(each["loc"])], "msg": each["msg"], "type": each["type"]}
                for each in errors[:ERRORS_MAX]
            ]
        ) from None


def alias_locations(
    sent: Mapping[str, Any], aliases: Mapping[str, str]
) -> Callable[[Location], Location]:
    """Return a function that maps field locations to the aliases that were sent."""

    def locate(loc: Location) -> Location:
        if loc and loc[0] not in sent:
            for alias, name in aliases.items():
                if name == loc[0] and alias in sent:
                    return (alias, *loc[1:])
        return loc

    return locate
