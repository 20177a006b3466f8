"""Errors as callers see them: codes of ``wire.codes`` become answers.

A refusal of ours and a failure of the world look alike on the
wire: ``{"detail": {code, message, request_id, outcome, retryable, ccxt_class, mt5_retcode, ...}}``.
"""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from oms.api.rate_limits import RATE_LIMIT_SCOPE_KEY, RateLimitExceeded
from oms.domain.errors import OmsError, RateLimited, Refused
from oms.wire.error_codes import error_mapping_of, mt5_retcode
from oms.wire.json import dumps_fast, optional_decimal_text
from oms.wire.request_body import Malformed

REQUEST_ID_SCOPE_KEY = "oms.request_id"
"""Where the HTTP request id stands in an ASGI scope."""


#: Commands whose wrong input ccxt calls an invalid order.
_ORDER_COMMANDS = frozenset({"send_order", "change_order", "close_position"})
_RETRY_AFTER_SECONDS = 1


def error_detail(
    refused: Refused, request_id: str, *, command: str | None = None, **more: object
) -> dict[str, Any]:
    """The error object of a body or a command result; ``more`` keys are added as they are."""
    kind = error_mapping_of(refused)
    outcome = refused.outcome if refused.outcome != "not_sent" else kind.outcome
    is_invalid_order = kind.ccxt_class == "BadRequest" and kind.status == 422
    told: dict[str, Any] = {
        "code": refused.code,
        "message": refused.message,
        "request_id": request_id,
        "outcome": outcome,
        "retryable": kind.retryable and outcome != "unknown",
        "ccxt_class": "InvalidOrder"
        if is_invalid_order and command in _ORDER_COMMANDS
        else kind.ccxt_class,
        "mt5_retcode": mt5_retcode(refused),
        "reason": refused.reason,
        "limit": optional_decimal_text(refused.limit),
        "value": optional_decimal_text(refused.value),
        "set_by": refused.set_by,
    }
    return told | dict(refused.facts or {}) | more


def to_refused(wrong: OmsError) -> Refused:
    """A raised failure as the value that the wire shows."""
    return Refused(code=wrong.code, message=wrong.message, reason=wrong.reason)


class JsonResponse(Response):
    """A body of JSON's own types."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The JSON text; bytes are a text that is ready."""
        return content if isinstance(content, bytes) else dumps_fast(content).encode()


def request_id_of(request: Request) -> str:
    """The HTTP request id."""
    return str(request.scope.get(REQUEST_ID_SCOPE_KEY, ""))


def refusal_response(
    refused: Refused,
    request_id: str,
    *,
    retry_after_seconds: int = _RETRY_AFTER_SECONDS,
    command: str | None = None,
    **more: object,
) -> JsonResponse:
    """The response that says no."""
    told = error_detail(refused, request_id, command=command, **more)
    return detail_response(refused, told, retry_after_seconds)


def detail_response(
    refused: Refused, told: dict[str, Any], retry_after_seconds: int = _RETRY_AFTER_SECONDS
) -> JsonResponse:
    """The response of a refusal whose ``detail`` is ready."""
    status = error_mapping_of(refused).status
    headers: dict[str, str] = {}
    if status in (429, 503) or refused.code == "idempotency_in_flight":
        headers["Retry-After"] = str(retry_after_seconds)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JsonResponse({"detail": told}, status, headers)


async def handle_oms_error(request: Request, wrong: Exception) -> Response:
    """A failure of the world, or a request that is wrong as a whole."""
    assert isinstance(wrong, OmsError)
    request_id = request_id_of(request)
    if isinstance(wrong, Malformed):
        return refusal_response(to_refused(wrong), request_id, errors=wrong.errors)
    if isinstance(wrong, RateLimitExceeded):
        request.scope[RATE_LIMIT_SCOPE_KEY] = wrong.left  # told in the headers of the refusal too
    if isinstance(wrong, RateLimited):
        return refusal_response(
            to_refused(wrong), request_id, retry_after_seconds=wrong.retry_after_seconds
        )
    return refusal_response(to_refused(wrong), request_id)


async def handle_http_exception(request: Request, wrong: Exception) -> Response:
    """What the router itself refuses: no such route, no such method."""
    assert isinstance(wrong, HTTPException)
    if wrong.status_code == 405:
        code, message = "method_not_allowed", f"{request.method} is not a method of this path"
    else:
        code, message = "not_found", "there is no such path"
    response = refusal_response(Refused(code=code, message=message), request_id_of(request))
    response.headers.update(wrong.headers or {})
    return response


def internal_error_response(request_id: str) -> JsonResponse:
    """The answer where a bug was met; the log holds the rest under the request id."""
    message = "the server met an error; it is logged under this request id"
    return refusal_response(Refused(code="internal_error", message=message), request_id)
