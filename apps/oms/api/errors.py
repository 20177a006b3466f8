"""Error responses: error codes of ``wire.error_codes`` become HTTP statuses and bodies.

Every error has one body:
``{"detail": {code, message, request_id, outcome, retryable, ccxt_class, mt5_retcode, ...}}``.
"""

from collections.abc import Mapping
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY, RateLimitExceeded
from oms.domain.errors import LimitReached, OmsError, RateLimited, Refused
from oms.domain.value import evolve
from oms.ports.research.strategy_process import StrategyFailed
from oms.wire.error_codes import error_mapping_of, mt5_retcode
from oms.wire.json import dumps_fast, optional_decimal_text
from oms.wire.request_body import Malformed
from oms.wire.responses.command_rows import ErrorDetail

REQUEST_ID_SCOPE_KEY = "oms.request_id"
"""ASGI scope key of the HTTP request id."""

#: Commands whose validation errors are ccxt's ``InvalidOrder``.
_ORDER_COMMANDS = frozenset({"send_order", "change_order", "close_position"})
_RETRY_AFTER_SECONDS = 1


def error_detail(
    refused: Refused, request_id: str, *, command: str | None = None, **extra: object
) -> ErrorDetail:
    """Return the error object of a response or a command result, with the ``extra`` keys."""
    mapping = error_mapping_of(refused)
    outcome = refused.outcome if refused.outcome != "not_sent" else mapping.outcome
    is_invalid_order = mapping.ccxt_class == "BadRequest" and mapping.status == 422
    fields: ErrorDetail = {
        "code": refused.code,
        "message": refused.message,
        "request_id": request_id,
        "outcome": outcome,
        "retryable": mapping.retryable and outcome != "unknown",
        "ccxt_class": "InvalidOrder"
        if is_invalid_order and command in _ORDER_COMMANDS
        else mapping.ccxt_class,
        "mt5_retcode": mt5_retcode(refused),
        "reason": refused.reason,
        "limit": optional_decimal_text(refused.limit),
        "value": optional_decimal_text(refused.value),
        "set_by": refused.set_by,
    }
    more: Mapping[str, Any] = {**(refused.facts or {}), **extra}
    return cast("ErrorDetail", {**fields, **more}) if more else fields


def to_refused(error: OmsError) -> Refused:
    """Return an exception as the value that error bodies are built from."""
    refused = Refused(code=error.code, message=error.message, reason=error.reason)
    if isinstance(error, LimitReached):
        return evolve(refused, limit=error.limit, value=error.value, set_by=error.set_by)
    if isinstance(error, StrategyFailed):
        return evolve(refused, facts={"traceback": error.traceback})
    return refused


class JsonResponse(Response):
    """A response with a JSON body."""

    media_type = "application/json"

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Set the headers; those of most responses are length and type of the body."""
        if headers is not None or self.status_code == 204:
            super().init_headers(headers)
            return
        length = b"%d" % len(self.body)
        self.raw_headers = [(b"content-length", length), (b"content-type", b"application/json")]

    def render(self, content: Any) -> bytes:
        """Return the JSON text of ``content``; bytes are JSON already."""
        return content if isinstance(content, bytes) else dumps_fast(content).encode()


def request_id_of(request: Request) -> str:
    """Return the HTTP request id."""
    return str(request.scope.get(REQUEST_ID_SCOPE_KEY, ""))


def refusal_response(
    refused: Refused,
    request_id: str,
    *,
    retry_after_seconds: int = _RETRY_AFTER_SECONDS,
    command: str | None = None,
    **extra: object,
) -> JsonResponse:
    """Return the error response of ``refused``."""
    detail = error_detail(refused, request_id, command=command, **extra)
    return detail_response(refused, detail, retry_after_seconds)


def detail_response(
    refused: Refused, detail: Mapping[str, Any], retry_after_seconds: int = _RETRY_AFTER_SECONDS
) -> JsonResponse:
    """Return the error response whose error object ``detail`` is built already."""
    status = error_mapping_of(refused).status
    headers: dict[str, str] = {}
    if status in (429, 503) or refused.code == "idempotency_in_flight":
        headers["Retry-After"] = str(retry_after_seconds)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JsonResponse({"detail": detail}, status, headers)


async def handle_oms_error(request: Request, error: Exception) -> Response:
    """Return the response of a raised ``OmsError``."""
    assert isinstance(error, OmsError)
    request_id = request_id_of(request)
    if isinstance(error, Malformed):
        return refusal_response(to_refused(error), request_id, errors=error.errors)
    if isinstance(error, RateLimitExceeded):
        request.scope[RATE_LIMIT_SCOPE_KEY] = error.state  # for the response headers
    if isinstance(error, RateLimited):
        return refusal_response(
            to_refused(error), request_id, retry_after_seconds=error.retry_after_seconds
        )
    return refusal_response(to_refused(error), request_id)


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """Return the response of the router's own errors: 404 and 405."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        code, message = "method_not_allowed", f"{request.method} is not a method of this path"
    else:
        code, message = "not_found", "there is no such path"
    response = refusal_response(Refused(code=code, message=message), request_id_of(request))
    response.headers.update(error.headers or {})
    return response


def internal_error_response(request_id: str) -> JsonResponse:
    """Return the 500 response of an unexpected exception, which the log has under this id."""
    message = "the server met an error; it is logged under this request id"
    return refusal_response(Refused(code="internal_error", message=message), request_id)
