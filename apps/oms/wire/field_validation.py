"""The keys of one JSON object, checked against a shape. What is wrong gets its place and a name.

No shape is known here and no meaning: which keys there are stands in ``wire.shapes``.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from oms.wire.request_body import ERRORS_MAX, Location, Malformed, malformed_at

Fields = TypeVar("Fields")


def require_object(value: object, at: Location) -> Mapping[str, Any]:
    """``value``, which must be a JSON object. Raises ``Malformed``."""
    if not isinstance(value, dict):
        raise malformed_at(at, "an object is expected", "object")
    return value


def drop_nulls(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent, without the keys that hold null."""
    return {key: value for key, value in sent.items() if value is not None}


def resolve_aliases(
    sent: Mapping[str, Any], aliases: Mapping[str, str], at: Location
) -> dict[str, Any]:
    """What was sent, each key under its one name. Raises ``Malformed`` for two that differ."""
    fields = dict(sent)
    for alias, name in aliases.items():
        if alias in fields:
            value = fields.pop(alias)
            if fields.setdefault(name, value) != value:
                raise malformed_at((*at, alias), f"{alias} and {name} differ")
    return fields


def validate(
    shape: TypeAdapter[Fields],
    fields: object,
    at: Location,
    spelled: Callable[[Location], Location] = lambda loc: loc,
) -> Any:
    """``fields`` as ``shape`` has them; ``spelled`` gives a place the name the caller used.

    Raises ``Malformed``.
    """
    try:
        return shape.validator.validate_python(fields)
    except ValidationError as wrong:
        told = wrong.errors(include_url=False, include_context=False, include_input=False)
        raise Malformed(
            [
                {"loc": [*at, *spelled(one["loc"])], "msg": one["msg"], "type": one["type"]}
                for one in told[:ERRORS_MAX]
            ]
        ) from None


def alias_locations(
    sent: Mapping[str, Any], aliases: Mapping[str, str]
) -> Callable[[Location], Location]:
    """The places of ``sent`` under the aliases that were sent."""

    def spelled(loc: Location) -> Location:
        if loc and loc[0] not in sent:
            for alias, name in aliases.items():
                if name == loc[0] and alias in sent:
                    return (alias, *loc[1:])
        return loc

    return spelled
