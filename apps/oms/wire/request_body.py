"""Parsing of request bodies to JSON, and errors with locations.

The work on a body is bounded before it is parsed: by the number of its values, not only its bytes.
A list of many items is parsed item by item, so that other requests can run in between.
"""

from collections.abc import Sequence
from typing import Any

from typing_extensions import TypedDict

from oms.domain.errors import Invalid
from oms.wire.json import NotJson, loads_sent, loads_sent_items
from oms.wire.steps import Steps

ERRORS_MAX = 50
"""Maximum number of errors in one response."""

VALUES_MAX = 84_000
"""Maximum number of commas, opening brackets and opening braces of one body.

A list of 1000 rows or commands with every field has fewer (``test_largest_requests``).
"""

VALUES_AT_ONCE_MAX = 16_000
"""The same of what is parsed in one step: a body with more is a list, and parsed by item."""

ITEM_CHARACTERS_MAX = 64 * 1024
"""Maximum length of each item of such a list."""

DEPTH_MAX = 64
"""Maximum nesting depth of one body."""

_ESCAPE = "\\u"
"""Begins the only spelling of the characters that cannot be stored."""

_VALUE_MARKS = b",[{"
_OTHER_BYTES = bytes(set(range(256)) - set(_VALUE_MARKS))

_CONTAINERS = frozenset({dict, list})
"""The types of JSON values with values in them."""

Location = tuple[str | int, ...]


class ValidationError(TypedDict):
    """One field that is not accepted."""

    loc: list[str | int]
    msg: str
    type: str


class Malformed(Invalid):
    """A malformed body; ``errors`` are ``{loc, msg, type}`` each."""

    def __init__(self, errors: Sequence[ValidationError]) -> None:
        first = errors[0]
        where = ".".join(str(part) for part in first["loc"])
        error_type = first["type"]
        has_own_code = error_type in ("missing_account_id", "unsupported_command")
        super().__init__(f"{where}: {first['msg']}", code=error_type if has_own_code else None)
        self.errors = errors[:ERRORS_MAX]


def load_body(raw: bytes) -> object:
    """Return the JSON value of a request body; an empty body is an empty object.

    Raises ``Malformed`` for invalid JSON, more than ``VALUES_AT_ONCE_MAX`` values, deep nesting,
    repeated keys, long numbers, and text that cannot be stored.
    """
    if len(raw) > VALUES_AT_ONCE_MAX:  # of a shorter body each byte may be a value
        _refuse_values(_count_values(raw), VALUES_AT_ONCE_MAX)
    text = _decode(raw)
    if not text or text.isspace():
        return {}
    try:
        value: object = loads_sent(text)
        _check_value(value, text)
    except NotJson as error:
        raise _invalid_json(error) from None
    return value


def load_body_steps(raw: bytes) -> Steps[object]:
    """Return the JSON value of a request body in steps, as ``load_body``.

    A list may have ``VALUES_MAX`` values. Raises ``Malformed``.
    """
    count = _count_values(raw)
    _refuse_values(count, VALUES_MAX)
    yield
    text = _decode(raw)
    yield
    if not text or text.isspace():
        return {}
    try:
        if count > VALUES_AT_ONCE_MAX:
            return (yield from _parse_items(text))
        value: object = loads_sent(text)
        yield
        _check_value(value, text)
    except NotJson as error:
        raise _invalid_json(error) from None
    yield
    return value


def _count_values(raw: bytes) -> int:
    return len(raw.translate(None, _OTHER_BYTES))


def _refuse_values(count: int, values_max: int) -> None:
    if count > values_max:
        msg = f"at most {values_max} values in one body"
        raise malformed_at(("body",), msg, "too_long")


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise malformed_at(("body",), "the text is not valid UTF-8", "json_invalid") from None


def _check_value(value: object, text: str) -> None:
    """Check the value of a whole text. Raises ``NotJson``."""
    if text.count("{") + text.count("[") > DEPTH_MAX:
        _refuse_depth(value, DEPTH_MAX)
    if _ESCAPE in text:
        _refuse_unstorable_text(value)


def _parse_items(text: str) -> Steps[list[object]]:
    """Return a long list. Raises ``Malformed``, ``NotJson``."""
    if not text.lstrip(" \t\n\r").startswith("["):
        msg = f"at most {VALUES_AT_ONCE_MAX} values in one object"
        raise malformed_at(("body",), msg, "too_long")
    may_be_unstorable = _ESCAPE in text
    items: list[object] = []
    for item in loads_sent_items(text, ITEM_CHARACTERS_MAX):
        _refuse_depth(item, DEPTH_MAX - 1)
        if may_be_unstorable:
            _refuse_unstorable_text(item)
        items.append(item)
        yield
    return items


def _refuse_depth(value: object, depth_max: int) -> None:
    parents: list[Any] = [value] if type(value) in _CONTAINERS else []
    for _ in range(depth_max):
        parents = [
            child
            for parent in parents
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) in _CONTAINERS
        ]
        if not parents:
            return
    raise NotJson("the text is nested too deeply")


def _refuse_unstorable_text(value: object) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            _refuse_unstorable(item)
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _refuse_unstorable(text: str) -> None:
    if "\0" in text:
        raise NotJson("the text contains the character U+0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotJson("the text contains an unpaired surrogate") from None


def _invalid_json(error: NotJson) -> Malformed:
    return malformed_at(("body",), str(error), "json_invalid")


def without_root(error: ValidationError) -> ValidationError:
    """Return an error whose location is relative to the value that was read."""
    return {"loc": error["loc"][1:], "msg": error["msg"], "type": error["type"]}


def malformed_at(at: Location, msg: str, error_type: str = "value_error") -> Malformed:
    """Return the error for one location."""
    return Malformed([{"loc": list(at), "msg": msg, "type": error_type}])
