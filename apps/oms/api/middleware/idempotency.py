"""``Idempotency-Key`` on every request that changes something and is no command.

The key is taken before the route is asked and holds its answer afterwards. A repeat gets the first
answer; a repeat before that, or after a process died in between, is told to wait: nothing is done
twice. Commands and reassigning keep their keys themselves, with what they store.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oms.api.context import ApiContext, admit_caller, identify_caller
from oms.api.errors import JsonResponse, handle_oms_error, refusal_response, request_id_of
from oms.api.routes.commands import read_idempotency_key
from oms.domain.errors import OmsError, Refused, Unavailable
from oms.ports.idempotent_responses import StoredResponse
from oms.services.submission.submit import IdempotencyKey
from oms.wire.json import dumps_fast, loads
from oms.wire.request_body import Malformed, load_body

METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PATHS_WITH_COMMAND_KEYS = frozenset({"/oms/commands", "/oms/reassign"})
"""Paths that keep their keys with the commands they store."""

LOGIN_PATH = "/auth/login-password"
"""A key is a user's; there is none yet, so the header says nothing there."""

KEY_RELEASING_STATUSES = frozenset({401, 403, 404, 405, 413, 422, 429, 503})
"""Answers that leave the key free."""

SECRET_FIELDS = frozenset(
    {
        *("password", "current_password", "new_password", "api_key", "secret", "passphrase"),
        *("api_key_plain", "token"),
    }
)
"""Keys of bodies whose values are neither stored nor part of what tells two bodies apart."""

logger = logging.getLogger(__name__)


class IdempotencyMiddleware:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, *, context: ApiContext) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        named = (
            scope["type"] == "http"
            and scope["method"] in METHODS
            and not _keeps_own(scope["path"])
            and any(name == b"idempotency-key" for name, _ in scope["headers"])
        )
        if not named:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            raw = await request.body()
            key = await self._key(request, raw)
        except OmsError as wrong:
            await (await handle_oms_error(request, wrong))(scope, receive, send)
            return
        again = _Again(raw)
        if key is None:
            await self._app(scope, again, send)
        else:
            await self._served(key, scope, again, send)

    async def _key(self, request: Request, raw: bytes) -> IdempotencyKey | None:
        """The key, ``None`` where the route will refuse what was sent. Raises ``OmsError``."""
        try:
            body = load_body(raw)
        except Malformed:
            return None
        who = await identify_caller(request.scope, request.headers, self._context)
        shown = {"body": _without_secrets(body), "query": str(request.url.query)}
        user_id, path = who.principal.user_id, request.scope["path"]
        return read_idempotency_key(request.headers, user_id, path, shown, request.method)

    async def _served(
        self, key: IdempotencyKey, scope: Scope, receive: Receive, send: Send
    ) -> None:
        context, request = self._context, Request(scope)
        now = context.clock.now()
        until = now + timedelta(hours=context.settings.commands.idempotency_hours)
        try:
            known = await context.replies.claim(key.scope_hash, key.fingerprint, now, until)
        except Unavailable as lost:
            await (await handle_oms_error(request, lost))(scope, receive, send)
            return
        if known is not None:
            try:
                await admit_caller(request)  # a repeat uses the budget that the first one used
            except OmsError as wrong:
                await (await handle_oms_error(request, wrong))(scope, receive, send)
                return
            await _repeated(known, key, request_id_of(request))(scope, receive, send)
            return
        answer = _Kept(send)
        await self._app(scope, receive, answer)
        try:
            await self._keep(key, answer)
        except Unavailable:
            logger.warning("reply_not_kept", extra={"request_id": request_id_of(request)})
        await answer.tell()

    async def _keep(self, key: IdempotencyKey, answer: "_Kept") -> None:
        if answer.status in KEY_RELEASING_STATUSES:
            await self._context.replies.release(key.scope_hash)
            return
        body = dumps_fast(_without_secrets(loads(answer.body))) if answer.body else "null"
        await self._context.replies.save(key.scope_hash, answer.status, body)


class _Again:
    """``receive`` of a body that was read already."""

    def __init__(self, body: bytes) -> None:
        self._message: Message | None = {
            "type": "http.request",
            "body": body,
            "more_body": False,
        }

    async def __call__(self) -> Message:
        message, self._message = self._message, None
        return message or {"type": "http.disconnect"}


class _Kept:
    """``send`` that holds an answer until it is stored."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self._messages.append(message)

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self._messages[0]["status"])

    @property
    def body(self) -> bytes:
        """The body of the answer."""
        return b"".join(message.get("body", b"") for message in self._messages[1:])

    async def tell(self) -> None:
        """Send it."""
        for message in self._messages:
            await self._send(message)


def _keeps_own(path: str) -> bool:
    """Whether what is stored for the path keeps the key: commands, and calls of the gateway."""
    return path in PATHS_WITH_COMMAND_KEYS or path == LOGIN_PATH or path.startswith("/ccxt/")


def _repeated(known: StoredResponse, key: IdempotencyKey, request_id: str) -> JsonResponse:
    if known.fingerprint != key.fingerprint:
        message = "this Idempotency-Key was used for another request"
        mismatch = Refused(code="idempotency_mismatch", message=message, reason="Idempotency-Key")
        return refusal_response(mismatch, request_id)
    if known.status is None or known.body is None:
        message = "the first request under this Idempotency-Key has no answer yet"
        busy = Refused(code="idempotency_in_flight", message=message, outcome="unknown")
        return refusal_response(busy, request_id)
    response = JsonResponse(known.body.encode(), known.status)
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: None if k in SECRET_FIELDS else _without_secrets(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value
