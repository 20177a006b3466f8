"""Errors as callers see them: the one place that knows HTTP statuses.

Every code has one row in ``CODES``. A refusal of ours and a failure of the world look alike on the
wire: ``{"detail": {code, message, request_id, outcome, retryable, ccxt_class, mt5_retcode, ...}}``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from oms.domain.errors import OmsError, RateLimited, Refused
from oms.wire.bodies import Malformed
from oms.wire.json import dumps_plain, optional_decimal

REQUEST_ID = "oms.request_id"
"""Where the HTTP request id stands in an ASGI scope."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a code means to HTTP, ccxt and MetaTrader 5 clients."""

    status: int
    ccxt_class: str
    mt5_retcode: int | None
    outcome: str | None = "not_sent"
    retryable: bool = False


_DENIED = Kind(403, "PermissionDenied", 10017)
_MISSING = Kind(404, "BadRequest", 10013)
_WRONG = Kind(422, "BadRequest", 10013)
_WRONG_QTY = Kind(422, "BadRequest", 10014)
_UNSUPPORTED = Kind(422, "NotSupported", 10017)
_DOWN = Kind(503, "ExchangeNotAvailable", 10031, retryable=True)
_TOO_LATE = Kind(503, "ExchangeNotAvailable", 10031)
_SLOWER = Kind(429, "RateLimitExceeded", 10024, retryable=True)
_UNKNOWN_KEY = Kind(401, "AuthenticationError", None)

CODES: Mapping[str, Kind] = {
    "missing_api_key": _UNKNOWN_KEY,
    "invalid_api_key": _UNKNOWN_KEY,
    "invalid_credentials": _UNKNOWN_KEY,
    "permission_denied": _DENIED,
    "admin_required": _DENIED,
    "admin_read_only": _DENIED,
    "strategy_permission_denied": _DENIED,
    "ip_not_allowed": _DENIED,
    "ccxt_method_not_allowed": _DENIED,
    "no_active_api_key": _DENIED,
    "api_key_not_allowed": _DENIED,
    "account_not_found": _MISSING,
    "strategy_not_found": _MISSING,
    "user_not_found": _MISSING,
    "command_not_found": _MISSING,
    "not_found": _MISSING,
    "order_not_found": Kind(404, "OrderNotFound", 10013),
    "position_not_found": Kind(404, "BadRequest", 10036),
    "method_not_allowed": Kind(405, "BadRequest", 10013),
    "invalid_order_state": Kind(409, "InvalidOrder", 10013),
    "position_close_in_progress": Kind(409, "OperationRejected", 10039),
    "conflict": Kind(409, "OperationRejected", 10013),
    "risk_blocked": Kind(409, "OperationRejected", 10044),
    "idempotency_in_flight": Kind(409, "OperationFailed", 10024, outcome="unknown"),
    "payload_too_large": Kind(413, "BadRequest", 10013),
    "validation_error": _WRONG,
    "missing_account_id": _WRONG,
    "unsupported_command": _WRONG,
    "unsupported_func": _WRONG,
    "instrument_not_supported": _WRONG,
    "invalid_strategy_id": _WRONG,
    "invalid_position_id": _WRONG,
    "invalid_close_volume": Kind(422, "BadRequest", 10038),
    "qty_below_minimum": _WRONG_QTY,
    "notional_below_minimum": _WRONG_QTY,
    "precision_mismatch": _WRONG,
    "comment_required": _WRONG,
    "weak_password": _WRONG,
    "weak_key": _WRONG,
    "unsupported_engine": _UNSUPPORTED,
    "order_type_not_supported": _UNSUPPORTED,
    "environment_not_supported": _UNSUPPORTED,
    "extra_config_refused": _UNSUPPORTED,
    "idempotency_mismatch": Kind(422, "DuplicateOrderId", 10013),
    "rate_limited": _SLOWER,
    "login_throttled": _SLOWER,
    "internal_error": Kind(500, "ExchangeError", 10011, outcome=None),
    "insufficient_funds": Kind(502, "InsufficientFunds", 10019, "rejected"),
    "exchange_rejected": Kind(502, "InvalidOrder", 10006, "rejected"),
    "not_placed": Kind(502, "InvalidOrder", 10006, "rejected"),
    "market_closed": Kind(502, "MarketClosed", 10018, "rejected"),
    "auth_failed": Kind(502, "AuthenticationError", 10017, "rejected"),
    "host_mismatch": Kind(502, "AuthenticationError", 10017),
    "exchange_rate_limited": Kind(502, "RateLimitExceeded", 10024, "rejected", True),
    "exchange_error": Kind(502, "ExchangeError", 10006, "rejected"),
    "exchange_unavailable": Kind(502, "ExchangeNotAvailable", 10031, retryable=True),
    "engine_unavailable": _DOWN,
    "database_unavailable": _DOWN,
    "shutting_down": _DOWN,
    "command_expired": _TOO_LATE,
    "expired_before_send": _TOO_LATE,
    "timeout": Kind(504, "RequestTimeout", 10012, None, True),
    "outcome_unknown": Kind(504, "RequestTimeout", 10012, "unknown"),
}

_REASONS_MT5 = {
    "change_pending": 10028,
    "order_in_doubt": 10028,
    "key_order_notional": 10040,
    "key_day_notional": 10040,
    "kill_switch": 10026,
}
#: Commands whose wrong input ccxt calls an invalid order.
_ORDER_COMMANDS = frozenset({"send_order", "change_order", "close_position"})
_RETRY_AFTER_SECONDS = 1


def kind_of(refused: Refused) -> Kind:
    """The row of a code; a code without one follows from what the exchange has to do with it."""
    known = CODES.get(refused.code)
    if known is not None:
        return known
    return CODES["exchange_error"] if refused.outcome == "rejected" else _WRONG


def detail(
    refused: Refused, request_id: str, *, command: str | None = None, **more: object
) -> dict[str, Any]:
    """The error object of a body or a command result; ``more`` keys are added as they are."""
    kind = kind_of(refused)
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
        "mt5_retcode": _REASONS_MT5.get(refused.reason or "", kind.mt5_retcode),
        "reason": refused.reason,
        "limit": optional_decimal(refused.limit),
        "value": optional_decimal(refused.value),
        "set_by": refused.set_by,
    }
    return told | more


def as_refused(wrong: OmsError) -> Refused:
    """A raised failure as the value that the wire shows."""
    return Refused(code=wrong.code, message=wrong.message, reason=wrong.reason)


class JsonResponse(Response):
    """A body of JSON's own types."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The JSON text; bytes are a text that is ready."""
        return content if isinstance(content, bytes) else dumps_plain(content).encode()


def request_id_of(request: Request) -> str:
    """The HTTP request id."""
    return str(request.scope.get(REQUEST_ID, ""))


def refusal(
    refused: Refused,
    request_id: str,
    *,
    retry_after_seconds: int = _RETRY_AFTER_SECONDS,
    command: str | None = None,
    **more: object,
) -> JsonResponse:
    """The response that says no."""
    told = detail(refused, request_id, command=command, **more)
    return failure(refused, told, retry_after_seconds)


def failure(
    refused: Refused, told: dict[str, Any], retry_after_seconds: int = _RETRY_AFTER_SECONDS
) -> JsonResponse:
    """The response of a refusal whose ``detail`` is ready."""
    status = kind_of(refused).status
    headers: dict[str, str] = {}
    if status in (429, 503) or refused.code == "idempotency_in_flight":
        headers["Retry-After"] = str(retry_after_seconds)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JsonResponse({"detail": told}, status, headers)


async def on_failure(request: Request, wrong: Exception) -> Response:
    """A failure of the world, or a request that is wrong as a whole."""
    assert isinstance(wrong, OmsError)
    request_id = request_id_of(request)
    if isinstance(wrong, Malformed):
        return refusal(as_refused(wrong), request_id, errors=wrong.errors)
    if isinstance(wrong, RateLimited):
        return refusal(as_refused(wrong), request_id, retry_after_seconds=wrong.retry_after_seconds)
    return refusal(as_refused(wrong), request_id)


async def on_http(request: Request, wrong: Exception) -> Response:
    """What the router itself refuses: no such route, no such method."""
    assert isinstance(wrong, HTTPException)
    if wrong.status_code == 405:
        code, message = "method_not_allowed", f"{request.method} is not a method of this path"
    else:
        code, message = "not_found", "there is no such path"
    response = refusal(Refused(code=code, message=message), request_id_of(request))
    response.headers.update(wrong.headers or {})
    return response


def internal_error(request_id: str) -> JsonResponse:
    """The answer where a bug was met; the log holds the rest under the request id."""
    message = "the server met an error; it is logged under this request id"
    return refusal(Refused(code="internal_error", message=message), request_id)
