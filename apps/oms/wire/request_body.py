"""Parsing of request bodies to JSON, and errors with locations."""

from collections.abc import Sequence

from typing_extensions import TypedDict

from oms.domain.errors import Invalid
from oms.wire.json import NotJson, dumps, loads

ERRORS_MAX = 50
"""Maximum number of errors in one response."""

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

    Raises ``Malformed`` for invalid JSON, deep nesting, and text that cannot be stored.
    """
    try:
        value: object = loads(raw) if raw.strip() else {}
        if b"\\u" in raw and "\\u0000" in dumps(value):
            raise NotJson("the text contains the character U+0000")
        if b"\\u" in raw:
            dumps(value).encode()
    except NotJson as error:
        raise malformed_at(("body",), str(error), "json_invalid") from None
    except (UnicodeEncodeError, RecursionError):
        raise malformed_at(
            ("body",), "the text contains an unpaired surrogate", "json_invalid"
        ) from None
    return value


def without_root(error: ValidationError) -> ValidationError:
    """Return an error whose location is relative to the value that was read."""
    return {"loc": error["loc"][1:], "msg": error["msg"], "type": error["type"]}


def malformed_at(at: Location, msg: str, error_type: str = "value_error") -> Malformed:
    """Return the error for one location."""
    return Malformed([{"loc": list(at), "msg": msg, "type": error_type}])
