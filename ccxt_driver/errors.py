"""Error responses of the gateway as ccxt's exceptions.

Each raised class derives from the ccxt class of the same name and from ``OmsDriverError``, which
is a ``RuntimeError``::

    RuntimeError
        OmsDriverError              code, reason, outcome, retryable, order_id, ...
            InvalidOrder            also a ccxt.InvalidOrder; likewise for every class of ccxt

The classes are created on first use, because ``import ccxt`` is slow.
``ccxt_driver.errors.InvalidOrder`` is one of them.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NoReturn

from ccxt_driver.ccxt_errors import ccxt_error_class
from ccxt_driver.wire import Body, Request

_CLASS_OF_STATUS = {
    401: "AuthenticationError",
    403: "PermissionDenied",
    404: "BadRequest",
    409: "OperationRejected",
    413: "BadRequest",
    422: "BadRequest",
    429: "RateLimitExceeded",
    503: "ExchangeNotAvailable",
    504: "RequestTimeout",
}
_ORDER_CLASS_OF_STATUS = {404: "OrderNotFound", 422: "InvalidOrder"}
_CODES_OF_CLASS = {
    "AuthenticationError": "missing_api_key invalid_api_key invalid_credentials auth_failed"
    " host_mismatch",
    "PermissionDenied": "permission_denied admin_required admin_read_only"
    " strategy_permission_denied ip_not_allowed ccxt_method_not_allowed no_active_api_key"
    " api_key_not_allowed",
    "BadRequest": "account_not_found strategy_not_found user_not_found command_not_found"
    " not_found position_not_found payload_too_large",
    "OrderNotFound": "order_not_found",
    "InvalidOrder": "invalid_order_state exchange_rejected not_placed",
    "OperationRejected": "position_close_in_progress conflict risk_blocked",
    "OperationFailed": "idempotency_in_flight",
    "NotSupported": "unsupported_engine order_type_not_supported environment_not_supported"
    " extra_config_refused",
    "DuplicateOrderId": "idempotency_mismatch",
    "RateLimitExceeded": "rate_limited login_throttled exchange_rate_limited",
    "ExchangeError": "internal_error exchange_error",
    "InsufficientFunds": "insufficient_funds",
    "MarketClosed": "market_closed",
    "ExchangeNotAvailable": "exchange_unavailable engine_unavailable database_unavailable"
    " shutting_down command_expired expired_before_send",
    "RequestTimeout": "timeout outcome_unknown",
}
_CLASS_OF_CODE = {code: name for name, codes in _CODES_OF_CLASS.items() for code in codes.split()}


class OmsDriverError(RuntimeError):
    """Base class of the driver's exceptions. Its text is the gateway's message, else its code."""

    #: The gateway's stable error code, or one of the driver.
    code: str | None = None
    #: The gateway's reason, more exact than the code: of ``risk_blocked`` the limit or switch.
    reason: str | None = None
    #: What happened at the exchange: ``not_sent``, ``rejected``, ``unknown``; ``None`` for reads.
    outcome: str | None = None
    #: Whether the same request may be repeated without risk.
    retryable: bool = False
    #: Seconds to wait before that, from the Retry-After header.
    retry_after: float | None = None
    order_id: str | None = None
    client_order_id: str | None = None
    #: The HTTP request id, which the gateway's logs contain.
    request_id: str | None = None
    #: The body of the response; ``None`` without a response.
    response: Any = None


@cache
def exception_class(name: str) -> type[OmsDriverError]:
    """Returns the class for ccxt's class ``name``; ``ExchangeError`` for an unknown name."""
    ccxt_class = ccxt_error_class(name)
    if ccxt_class is None:
        return exception_class("ExchangeError")
    namespace = {"__module__": __name__, "__doc__": ccxt_class.__doc__}
    return type(name, (ccxt_class, OmsDriverError), namespace)


def __getattr__(name: str) -> type[OmsDriverError]:
    # Lets raised errors be pickled, and caught as an attribute of this module.
    if name.startswith("_") or not name[0].isupper() or ccxt_error_class(name) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return exception_class(name)


def driver_error(name: str, message: str, *, code: str, **attributes: Any) -> OmsDriverError:
    """Returns an error that the driver detects itself; by default nothing was sent."""
    error = exception_class(name)(message)
    error.code = code
    error.outcome = "not_sent"
    vars(error).update(attributes)
    return error


def no_response_error(cause: OSError, request: Request, *, is_sent: bool) -> OmsDriverError:
    """Returns the error for a missing response. ``is_sent``: the request may have arrived."""
    is_late = isinstance(cause, TimeoutError)
    if is_sent and not request.is_read:
        name, code, outcome = "RequestTimeout", "outcome_unknown", "unknown"
        message = "the request was sent but its response was lost: it may have been executed"
    elif is_late:
        name, code, outcome = "RequestTimeout", "timeout", None
        message = "the gateway did not respond in time"
    else:
        name, code, outcome = "ExchangeNotAvailable", "exchange_unavailable", None
        message = f"the gateway cannot be reached: {cause}"
    if not is_sent:
        outcome = "not_sent"
    return driver_error(
        name,
        message,
        code=code,
        outcome=outcome,
        retryable=outcome != "unknown",
        client_order_id=_payload_field(request, "client_order_id"),
        order_id=_payload_field(request, "order_id"),
    )


def raise_for_error(
    body: Any, request: Request, *, status: int = 200, retry_after: float | None = None
) -> None:
    """Raises for a status from 300, for a ``detail``, and if all results of the body failed."""
    detail = body.get("detail") if isinstance(body, dict) else None
    if detail is None and status < 300:
        detail = _failed_result(body)
        if detail is None:
            return
    raise error_from_response(detail, body, request, status=status, retry_after=retry_after)


def error_from_response(
    detail: Any, body: Any, request: Request, *, status: int, retry_after: float | None = None
) -> OmsDriverError:
    """Returns the exception for the ``detail`` of a response; it may be missing or plain text."""
    fields: Mapping[str, Any] = detail if isinstance(detail, dict) else {}
    code = fields.get("code") or (None if fields else _text(detail)) or f"http_{status}"
    message = str(fields.get("message") or code)
    error = exception_class(_class_name(fields, request, status))(message)
    result = _first_result(fields) or _first_result(body) or {}
    error.code = str(code)
    error.reason = _text(fields.get("reason"))
    error.outcome = fields["outcome"] if "outcome" in fields else _outcome(request, status)
    error.retryable = fields.get("retryable") is True and error.outcome != "unknown"
    error.retry_after = retry_after
    error.order_id = _text(result.get("order_id")) or _payload_field(request, "order_id")
    client_order_id = _text(result.get("client_order_id"))
    error.client_order_id = client_order_id or _payload_field(request, "client_order_id")
    error.request_id = _text(fields.get("request_id"))
    error.response = body
    return error


def _class_name(fields: Mapping[str, Any], request: Request, status: int) -> str:
    class_name = fields.get("ccxt_class")
    if isinstance(class_name, str) and ccxt_error_class(class_name) is not None:
        return class_name
    by_code = _CLASS_OF_CODE.get(str(fields.get("code")))
    if by_code is not None:
        return by_code
    by_status = _CLASS_OF_STATUS.get(status, "ExchangeError")
    return _ORDER_CLASS_OF_STATUS.get(status, by_status) if request.is_about_orders else by_status


def _outcome(request: Request, status: int) -> str | None:
    """Returns the outcome of a response that does not contain one (for example a proxy's)."""
    if request.is_read:
        return None
    return "not_sent" if 400 <= status < 500 else "unknown"


def _failed_result(body: Any) -> Any:
    """Returns the error of the first result if every result failed, else ``None``."""
    results = body.get("results") if isinstance(body, dict) else None
    if not isinstance(results, list) or not results:
        return None
    if any(not isinstance(result, dict) or result.get("ok", True) for result in results):
        return None
    return results[0].get("error") or {"message": "the command failed"}


def _first_result(body: Any) -> Body | None:
    results = body.get("results") if isinstance(body, dict) else None
    first = results[0] if isinstance(results, list) and results else None
    return first if isinstance(first, dict) else None


def _payload_field(request: Request, key: str) -> str | None:
    """Returns a field of the command payload of a request with one command."""
    envelope = request.payload if isinstance(request.payload, dict) else {}
    payload = envelope.get("payload")
    return _text(payload.get(key)) if isinstance(payload, dict) else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def refuse_parameter(name: str, why: str) -> NoReturn:
    """Raises ``NotSupported`` for a parameter that would have no effect, or another one."""
    message = f"the parameter {name} is not supported: {why}"
    raise driver_error("NotSupported", message, code="parameter_not_supported")
