"""``Idempotency-Key`` on every changing request other than commands.

The caller is authenticated before the body is read. The key is claimed before the route runs and
stores its response afterwards. A repeat gets the first
response; a repeat before that, or after a process crashed in between, is refused as in flight:
nothing is executed twice. Routes that send commands store their keys with the commands.
"""

import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oms.api.command_submission import load_large_body, read_idempotency_key
from oms.api.context import ApiContext, Caller, admit_caller, identify_caller
from oms.api.errors import JsonResponse, handle_oms_error, refusal_response, request_id_of
from oms.api.logged_paths import SIGNAL_PATHS, logged_path
from oms.domain.errors import OmsError, Refused, Unavailable
from oms.ports.idempotent_responses import StoredResponse
from oms.services.submission.submit import IdempotencyKey
from oms.wire.json import dumps_fast, loads
from oms.wire.request_body import Malformed

METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PATHS_WITH_COMMAND_KEYS = re.compile(
    "/oms/(commands|reassign|orders/[^/]+/(refresh|resolve)|positions/[^/]+/close)"
)
"""Paths whose keys are stored with their commands."""

LOGIN_PATHS = frozenset({"/auth/login-password", "/auth/session", "/auth/session/confirm"})
"""Keys belong to users; before login there is none, so the header is ignored there.

It is ignored as well where a session gets another text or is confirmed: a repeat would not.
"""

KEY_RELEASING_STATUSES = frozenset({401, 403, 404, 405, 413, 422, 429, 503})
"""Statuses after which the key can be used again."""

SECRET_FIELDS = frozenset(
    {
        *("password", "current_password", "new_password", "api_key", "secret", "passphrase"),
        *("api_key_plain", "token", "csrf_token", "path_token", "new_secret"),
    }
)
"""Keys whose values are neither stored nor part of the request's fingerprint."""

logger = logging.getLogger(__name__)


class IdempotencyMiddleware:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, *, context: ApiContext) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        has_key = (
            scope["type"] == "http"
            and scope["method"] in METHODS
            and not _is_exempt(scope["path"])
            and any(name == b"idempotency-key" for name, _ in scope["headers"])
        )
        if not has_key:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            caller = await identify_caller(scope, request.headers, self._context)
            raw = await request.body()
            key = await _read_key(request, raw, caller)
        except OmsError as error:
            await (await handle_oms_error(request, error))(scope, receive, send)
            return
        replay = _ReplayReceive(raw)
        if key is None:
            await self._app(scope, replay, send)
        else:
            await self._serve(key, scope, replay, send)

    async def _serve(self, key: IdempotencyKey, scope: Scope, receive: Receive, send: Send) -> None:
        context, request = self._context, Request(scope)
        now = context.clock.now()
        until = now + timedelta(hours=context.settings.commands.idempotency_hours)
        try:
            stored = await context.idempotent_responses.claim(
                key.scope_hash, key.fingerprint, now, until
            )
        except Unavailable as error:
            await (await handle_oms_error(request, error))(scope, receive, send)
            return
        if stored is not None:
            try:
                await admit_caller(request)  # a repeat is charged to the same rate limit
            except OmsError as error:
                await (await handle_oms_error(request, error))(scope, receive, send)
                return
            await _stored_response(stored, key, request_id_of(request))(scope, receive, send)
            return
        response = _CapturingSend(send)
        await self._app(scope, receive, response)
        try:
            await self._store(key, response)
        except Unavailable:
            fields = {"request_id": request_id_of(request), "path": logged_path(scope["path"])}
            logger.warning("response_not_stored", extra=fields)
        await response.forward()

    async def _store(self, key: IdempotencyKey, response: "_CapturingSend") -> None:
        if response.status in KEY_RELEASING_STATUSES:
            await self._context.idempotent_responses.release(key.scope_hash)
            return
        body = dumps_fast(_without_secrets(loads(response.body))) if response.body else "null"
        await self._context.idempotent_responses.save(key.scope_hash, response.status, body)


class _ReplayReceive:
    """``receive`` that returns a body read before."""

    def __init__(self, body: bytes) -> None:
        self._message: Message | None = {
            "type": "http.request",
            "body": body,
            "more_body": False,
        }

    async def __call__(self) -> Message:
        message, self._message = self._message, None
        return message or {"type": "http.disconnect"}


class _CapturingSend:
    """``send`` that holds a response until it is stored."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self._messages.append(message)

    @property
    def status(self) -> int:
        """The status of the response."""
        return int(self._messages[0]["status"])

    @property
    def body(self) -> bytes:
        """The body of the response."""
        return b"".join(message.get("body", b"") for message in self._messages[1:])

    async def forward(self) -> None:
        """Send the captured messages."""
        for message in self._messages:
            await self._send(message)


async def _read_key(request: Request, raw: bytes, caller: Caller) -> IdempotencyKey | None:
    """Return the key, ``None`` if the body is not JSON. Raises ``Malformed``."""
    try:
        body = await load_large_body(raw)
    except Malformed:
        return None
    fingerprint = {"body": _without_secrets(body), "query": str(request.url.query)}
    user_id, path = caller.principal.user_id, request.scope["path"]
    return await read_idempotency_key(request.headers, user_id, path, fingerprint, request.method)


def _is_exempt(path: str) -> bool:
    """Return whether keys of the path are stored with its commands, or ignored."""
    has_own = PATHS_WITH_COMMAND_KEYS.fullmatch(path) is not None
    is_signal = SIGNAL_PATHS.fullmatch(path) is not None
    return has_own or is_signal or path in LOGIN_PATHS or path.startswith("/ccxt/")


def _stored_response(stored: StoredResponse, key: IdempotencyKey, request_id: str) -> JsonResponse:
    if stored.fingerprint != key.fingerprint:
        message = "this Idempotency-Key was used for another request"
        mismatch = Refused(code="idempotency_mismatch", message=message, reason="Idempotency-Key")
        return refusal_response(mismatch, request_id)
    if stored.status is None or stored.body is None:
        message = "the first request under this Idempotency-Key has no response yet"
        in_flight = Refused(code="idempotency_in_flight", message=message, outcome="unknown")
        return refusal_response(in_flight, request_id)
    response = JsonResponse(stored.body.encode(), stored.status)
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: None if k in SECRET_FIELDS else _without_secrets(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value
