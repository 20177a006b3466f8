"""Frames of the WebSocket: decoding of client frames, encoding of server frames."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from oms.api.errors import error_detail, to_refused
from oms.domain.errors import Invalid, OmsError, Refused
from oms.wire.json import dumps_fast
from oms.wire.request_body import Malformed, load_body

SYSTEM = "system"
FRAME_BYTES_MAX = 1024 * 1024
AUTHENTICATED_SCOPE_KEY = "oms.authenticated"
"""Key of the ASGI scope: whether the connection is authenticated, for the limits of connections."""

ID_VALUES_MAX = 100
"""Maximum number of values of an ``id`` that is a list or an object."""

UNAUTHENTICATED_CHARACTERS_MAX = 4096
"""Maximum length of a frame before authentication; an ``auth`` frame has some hundred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A client frame. ``id`` is any JSON value and is returned unchanged."""

    id: Any = None
    namespace: str | None = None
    action: str | None = None
    payload: Mapping[str, Any]
    #: For logs and errors.
    request_id: str = ""


class MalformedFrame(Invalid):
    """An invalid frame; ``frame`` has what could be decoded."""

    def __init__(self, message: str, frame: Frame, code: str = "invalid_json") -> None:
        super().__init__(message, code=code)
        self.frame = frame


def read_frame(text: str | None, request_id: str) -> Frame:
    """Return the frame in ``text`` (``None``: a binary frame). Raises ``MalformedFrame``."""
    empty = Frame(payload={}, request_id=request_id)
    if not text:
        raise MalformedFrame("a frame is a JSON object as text", empty)
    try:
        value = load_body(text.encode("utf-8", "surrogatepass"))
    except Malformed as error:
        raise MalformedFrame(str(error.errors[0]["msg"]), empty) from None
    if not isinstance(value, dict):
        raise MalformedFrame("a frame is a JSON object", empty)
    namespace, action = value.get("namespace"), value.get("action")
    payload = value.get("payload")
    frame = Frame(
        id=value.get("id"),
        namespace=namespace if isinstance(namespace, str) else None,
        action=action if isinstance(action, str) else None,
        payload=payload if isinstance(payload, dict) else {},
        request_id=request_id,
    )
    if not _can_be_returned(frame.id):
        raise MalformedFrame("id is too long or has a huge number", empty, "validation_error")
    if not isinstance(action, str):
        raise MalformedFrame("action is required", frame, "validation_error")
    if payload is not None and not isinstance(payload, dict):
        raise MalformedFrame("payload is an object", frame, "validation_error")
    if namespace is not None and not isinstance(namespace, str):
        raise MalformedFrame("namespace is a string", frame, "validation_error")
    return frame


def reply_frame(
    frame: Frame, event: str, payload: Mapping[str, Any] | str, *, ok: bool = True
) -> str:
    """Return the response to a frame; a text ``payload`` is JSON already."""
    head = {
        "ok": ok,
        "type": "ws_response",
        "namespace": frame.namespace or SYSTEM,
        "action": frame.action,
        "event": event,
    }
    text = payload if isinstance(payload, str) else dumps_fast(payload)
    return f'{{"id":{_encode_id(frame.id)},{dumps_fast(head)[1:-1]},"payload":{text}}}'


def error_frame(frame: Frame, error: Refused | OmsError) -> str:
    """Return the error response to a frame, with the same error object as over HTTP."""
    refused = error if isinstance(error, Refused) else to_refused(error)
    payload = error_detail(refused, frame.request_id)
    if isinstance(error, Malformed):
        payload["errors"] = [*error.errors]
    if refused.code == "not_authenticated":
        payload["ccxt_class"] = "AuthenticationError"
    return reply_frame(frame, "error", payload, ok=False)


def push_frame(
    event: str, payload: Mapping[str, Any] | str, *, namespace: str = SYSTEM, action: str = "event"
) -> str:
    """Return an unsolicited frame other than a stored event; a text ``payload`` is JSON already."""
    head = {
        "id": None,
        "ok": True,
        "type": "ws_event",
        "namespace": namespace,
        "action": action,
        "event": event,
    }
    text = payload if isinstance(payload, str) else dumps_fast(payload)
    return f'{dumps_fast(head)[:-1]},"payload":{text}}}'


def hello_frame(payload: Mapping[str, Any]) -> str:
    """Return the first frame of a connection."""
    frame = {
        "id": "server-hello",
        "ok": True,
        "type": "ws_event",
        "event": "connected",
        "payload": payload,
    }
    return dumps_fast(frame)


def close_reason(sent: Mapping[int, int]) -> str:
    """Return ``last_seq=<account>:<seq>,…`` for as many accounts as fit in a close frame."""
    text = "last_seq="
    for account_id, seq in sent.items():
        part = f"{'' if text.endswith('=') else ','}{account_id}:{seq}"
        if len(text) + len(part) > 123:
            break
        text += part
    return text


def _encode_id(value: Any) -> str:
    """Return a client's ``id`` as JSON; numbers stay numbers."""
    return json.dumps(value, separators=(",", ":"), default=_number, allow_nan=False)


def _can_be_returned(value: Any) -> bool:
    """Return whether a client's ``id`` is short and its numbers are finite as doubles."""
    if value is None or isinstance(value, (str, int)):
        return True
    waiting = [value]
    for count, item in enumerate(waiting):
        if count == ID_VALUES_MAX or (isinstance(item, Decimal) and not isfinite(item)):
            return False
        if isinstance(item, (dict, list)):
            waiting.extend(item.values() if isinstance(item, dict) else item)
    return True


def _number(value: object) -> float:
    assert isinstance(value, Decimal)
    return float(value)
