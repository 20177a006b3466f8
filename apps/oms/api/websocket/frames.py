"""Frames of the WebSocket: JSON text in, JSON text out. Nothing is decided and nothing sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from oms.api.errors import error_detail, to_refused
from oms.domain.errors import Invalid, OmsError, Refused
from oms.wire.json import dumps_fast
from oms.wire.request_body import Malformed, load_body

SYSTEM = "system"
FRAME_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a client sent. ``id`` is any JSON value and comes back as it is."""

    id: Any = None
    namespace: str | None = None
    action: str | None = None
    payload: Mapping[str, Any]
    #: For the log and for errors.
    request_id: str = ""


class MalformedFrame(Invalid):
    """A frame that is no frame; ``frame`` is what could be read of it."""

    def __init__(self, message: str, frame: Frame, code: str = "invalid_json") -> None:
        super().__init__(message, code=code)
        self.frame = frame


def read_frame(text: str | None, request_id: str) -> Frame:
    """The frame that ``text`` says; ``None`` is a binary one. Raises ``MalformedFrame``."""
    none = Frame(payload={}, request_id=request_id)
    if not text:
        raise MalformedFrame("a frame is a JSON object as text", none)
    try:
        value = load_body(text.encode("utf-8", "surrogatepass"))
    except Malformed as wrong:
        raise MalformedFrame(str(wrong.errors[0]["msg"]), none) from None
    if not isinstance(value, dict):
        raise MalformedFrame("a frame is a JSON object", none)
    namespace, action = value.get("namespace"), value.get("action")
    payload = value.get("payload")
    frame = Frame(
        id=value.get("id"),
        namespace=namespace if isinstance(namespace, str) else None,
        action=action if isinstance(action, str) else None,
        payload=payload if isinstance(payload, dict) else {},
        request_id=request_id,
    )
    if not isinstance(action, str):
        raise MalformedFrame("action names what is asked", frame, "validation_error")
    if payload is not None and not isinstance(payload, dict):
        raise MalformedFrame("payload is an object", frame, "validation_error")
    if namespace is not None and not isinstance(namespace, str):
        raise MalformedFrame("namespace is a word", frame, "validation_error")
    return frame


def reply_frame(
    frame: Frame, event: str, payload: Mapping[str, Any] | str, *, ok: bool = True
) -> str:
    """The answer to a frame; a text ``payload`` is JSON already."""
    told = {
        "ok": ok,
        "type": "ws_response",
        "namespace": frame.namespace or SYSTEM,
        "action": frame.action,
        "event": event,
    }
    text = payload if isinstance(payload, str) else dumps_fast(payload)
    return f'{{"id":{_echo(frame.id)},{dumps_fast(told)[1:-1]},"payload":{text}}}'


def error_frame(frame: Frame, wrong: Refused | OmsError) -> str:
    """The answer that says no, with the error object of every other transport."""
    refused = wrong if isinstance(wrong, Refused) else to_refused(wrong)
    told = error_detail(refused, frame.request_id)
    if isinstance(wrong, Malformed):
        told["errors"] = wrong.errors
    if refused.code == "not_authenticated":
        told["ccxt_class"] = "AuthenticationError"
    return reply_frame(frame, "error", told, ok=False)


def push_frame(
    event: str, payload: Mapping[str, Any] | str, *, namespace: str = SYSTEM, action: str = "event"
) -> str:
    """A frame nobody asked for and that is not stored; a text ``payload`` is JSON already."""
    told = {
        "id": None,
        "ok": True,
        "type": "ws_event",
        "namespace": namespace,
        "action": action,
        "event": event,
    }
    text = payload if isinstance(payload, str) else dumps_fast(payload)
    return f'{dumps_fast(told)[:-1]},"payload":{text}}}'


def hello_frame(payload: Mapping[str, Any]) -> str:
    """The first frame of every connection."""
    told = {
        "id": "server-hello",
        "ok": True,
        "type": "ws_event",
        "event": "connected",
        "payload": payload,
    }
    return dumps_fast(told)


def close_reason(sent: Mapping[int, int]) -> str:
    """``last_seq=<account>:<seq>,…``, as many as a close frame has room for."""
    text = "last_seq="
    for account_id, seq in sent.items():
        part = f"{'' if text.endswith('=') else ','}{account_id}:{seq}"
        if len(text) + len(part) > 123:
            break
        text += part
    return text


def _echo(value: Any) -> str:
    """A client's ``id`` as JSON again: numbers stay numbers."""
    return json.dumps(value, separators=(",", ":"), default=_number)


def _number(value: object) -> float:
    assert isinstance(value, Decimal)
    return float(value)
