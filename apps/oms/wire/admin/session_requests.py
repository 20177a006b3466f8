"""Request bodies of browser sessions and of preferences."""

from collections.abc import Mapping
from typing import Annotated, Any, Required

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.browser_session import SessionMode
from oms.domain.errors import Invalid
from oms.wire.admin.admin_schemas import KeyText, Password
from oms.wire.admin.user_requests import SentFields, read_fields
from oms.wire.field_types import Id, JsonObject, read_json
from oms.wire.field_validation import require_object, validate
from oms.wire.json import dumps, loads
from oms.wire.request_body import load_body, malformed_at
from oms.wire.responses.session_rows import ModeText

PREFERENCES_BYTES_MAX = 16 * 1024
_OPEN = ConfigDict(extra="ignore", strict=True)
_LOGIN_FIELDS = {
    SessionMode.PASSWORD: ("user_name", "password"),
    SessionMode.API_KEY: ("api_key",),
}
_CONFIRM_FIELDS = {SessionMode.PASSWORD: "password", SessionMode.API_KEY: "api_key"}


class SessionFields(TypedDict, total=False):
    """``POST /auth/session``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    mode: Required[ModeText]
    user_name: Annotated[str, Field(max_length=512)]
    password: Password
    api_key_id: Id
    api_key: KeyText


class SessionKeyFields(TypedDict, total=False):
    """``PATCH /auth/session``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    api_key_id: Required[Id]


class ConfirmFields(TypedDict, total=False):
    """``POST /auth/session/confirm``."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    password: Password
    api_key: KeyText


SESSION = TypeAdapter(SessionFields)
SESSION_KEY = TypeAdapter(SessionKeyFields)
CONFIRM = TypeAdapter(ConfirmFields)
PREFERENCES: TypeAdapter[dict[str, Any]] = TypeAdapter(JsonObject)


def read_session_login(body: object) -> tuple[SessionMode, SentFields]:
    """Parse a login. Raises ``Malformed``."""
    fields = read_fields(SESSION, body)
    word = fields["mode"].lower()
    if word not in list(SessionMode):
        raise malformed_at(("mode",), "one of password, api_key is expected", "enum")
    mode = SessionMode(word)
    for name in _LOGIN_FIELDS[mode]:
        _require(fields, name)
    return mode, fields


def read_session_key(body: object) -> int:
    """Parse the id of the key that a session changes to. Raises ``Malformed``."""
    key_id: int = read_fields(SESSION_KEY, body)["api_key_id"]
    return key_id


def read_confirmation(body: object, mode: SessionMode) -> str:
    """Parse the password, or the key of a session that was started with one. Raises
    ``Malformed``.
    """
    fields, name = read_fields(CONFIRM, body), _CONFIRM_FIELDS[mode]
    _require(fields, name)
    secret: str = fields[name]
    return secret


def read_preferences(raw: bytes) -> dict[str, Any]:
    """Parse the preferences of a user. Raises ``Malformed``, ``Invalid`` if they are too long."""
    if len(raw) > PREFERENCES_BYTES_MAX:
        message = f"preferences have at most {PREFERENCES_BYTES_MAX} bytes"
        raise Invalid(message, code="payload_too_large")
    body = require_object(load_body(raw), ("body",))
    preferences: dict[str, Any] = validate(PREFERENCES, body, ())
    return preferences


def preferences_to_text(preferences: Mapping[str, Any]) -> str:
    """Return the JSON text to store."""
    return dumps(preferences)


def preferences_from_text(text: str | None) -> dict[str, Any]:
    """Return the stored preferences, none by default."""
    preferences: dict[str, Any] = {} if text is None else read_json(loads(text))
    return preferences


def _require(fields: SentFields, name: str) -> None:
    if name not in fields:
        raise malformed_at((name,), f"{name} is required", "missing")
