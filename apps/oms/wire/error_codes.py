"""Error codes and their HTTP status, ccxt class and MetaTrader 5 return code.

Every code has one row in ``CODES``; responses, events and views take their mapping from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from oms.domain.errors import Refused


@dataclass(frozen=True, slots=True)
class ErrorMapping:
    """HTTP, ccxt and MetaTrader 5 form of an error code."""

    status: int
    ccxt_class: str
    mt5_retcode: int | None
    outcome: str | None = "not_sent"
    retryable: bool = False


_DENIED = ErrorMapping(403, "PermissionDenied", 10017)
_MISSING = ErrorMapping(404, "BadRequest", 10013)
_WRONG = ErrorMapping(422, "BadRequest", 10013)
_WRONG_QTY = ErrorMapping(422, "BadRequest", 10014)
_UNSUPPORTED = ErrorMapping(422, "NotSupported", 10017)
_DOWN = ErrorMapping(503, "ExchangeNotAvailable", 10031, retryable=True)
_TOO_LATE = ErrorMapping(503, "ExchangeNotAvailable", 10031)
_SLOWER = ErrorMapping(429, "RateLimitExceeded", 10024, retryable=True)
_UNKNOWN_KEY = ErrorMapping(401, "AuthenticationError", None)

CODES: Mapping[str, ErrorMapping] = {
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
    "csrf_failed": _DENIED,
    "confirmation_required": _DENIED,
    "session_needs_tls": _DENIED,
    "account_not_found": _MISSING,
    "strategy_not_found": _MISSING,
    "user_not_found": _MISSING,
    "command_not_found": _MISSING,
    "not_found": _MISSING,
    "order_not_found": ErrorMapping(404, "OrderNotFound", 10013),
    "position_not_found": ErrorMapping(404, "BadRequest", 10036),
    "method_not_allowed": ErrorMapping(405, "BadRequest", 10013),
    "invalid_order_state": ErrorMapping(409, "InvalidOrder", 10013),
    "position_close_in_progress": ErrorMapping(409, "OperationRejected", 10039),
    "conflict": ErrorMapping(409, "OperationRejected", 10013),
    "risk_blocked": ErrorMapping(409, "OperationRejected", 10044),
    "idempotency_in_flight": ErrorMapping(409, "OperationFailed", 10024, outcome="unknown"),
    "payload_too_large": ErrorMapping(413, "BadRequest", 10013),
    "validation_error": _WRONG,
    "missing_account_id": _WRONG,
    "unsupported_command": _WRONG,
    "unsupported_func": _WRONG,
    "instrument_not_supported": _WRONG,
    "invalid_strategy_id": _WRONG,
    "invalid_position_id": _WRONG,
    "invalid_close_volume": ErrorMapping(422, "BadRequest", 10038),
    "qty_below_minimum": _WRONG_QTY,
    "notional_below_minimum": _WRONG_QTY,
    "precision_mismatch": _WRONG,
    "comment_required": _WRONG,
    "column_not_mutable": _WRONG,
    "average_not_reachable": _WRONG,
    "weak_password": _WRONG,
    "weak_key": _WRONG,
    "unsupported_engine": _UNSUPPORTED,
    "order_type_not_supported": _UNSUPPORTED,
    "environment_not_supported": _UNSUPPORTED,
    "extra_config_refused": _UNSUPPORTED,
    "idempotency_mismatch": ErrorMapping(422, "DuplicateOrderId", 10013),
    "rate_limited": _SLOWER,
    "login_throttled": _SLOWER,
    "internal_error": ErrorMapping(500, "ExchangeError", 10011, outcome=None),
    "insufficient_funds": ErrorMapping(502, "InsufficientFunds", 10019, "rejected"),
    "exchange_rejected": ErrorMapping(502, "InvalidOrder", 10006, "rejected"),
    "not_placed": ErrorMapping(502, "InvalidOrder", 10006, "rejected"),
    "create_failed": ErrorMapping(502, "InvalidOrder", 10006, "rejected"),
    "market_closed": ErrorMapping(502, "MarketClosed", 10018, "rejected"),
    "auth_failed": ErrorMapping(502, "AuthenticationError", 10017, "rejected"),
    "host_mismatch": ErrorMapping(502, "AuthenticationError", 10017),
    "exchange_rate_limited": ErrorMapping(502, "RateLimitExceeded", 10024, "rejected", True),
    "exchange_error": ErrorMapping(502, "ExchangeError", 10006, "rejected"),
    "exchange_unavailable": ErrorMapping(502, "ExchangeNotAvailable", 10031, retryable=True),
    "engine_unavailable": _DOWN,
    "database_unavailable": _DOWN,
    "shutting_down": _DOWN,
    "command_expired": _TOO_LATE,
    "expired_before_send": _DOWN,
    "timeout": ErrorMapping(504, "RequestTimeout", 10012, None, True),
    "outcome_unknown": ErrorMapping(504, "RequestTimeout", 10012, "unknown"),
}

NOT_SUPPORTED = "not_supported"
"""Reason of an ``unsupported_func`` for a method that the exchange does not have, as in ccxt."""

MT5_RETCODES_BY_REASON: Mapping[str, int] = {
    "qty": 10014,
    "price": 10015,
    "invalid_stops": 10016,
    "change_pending": 10028,
    "order_in_doubt": 10028,
    "key_order_notional": 10040,
    "key_day_notional": 10040,
    "kill_switch": 10026,
    "market_closed": 10018,
}
"""MetaTrader return codes by reason; override those of the code."""


def error_mapping_of(refused: Refused) -> ErrorMapping:
    """Return the mapping of a refusal; unknown codes are mapped by their outcome."""
    if refused.reason == NOT_SUPPORTED:
        return _UNSUPPORTED
    mapping = CODES.get(refused.code)
    if mapping is not None:
        return mapping
    return CODES["exchange_error"] if refused.outcome == "rejected" else _WRONG


def mt5_retcode(refused: Refused) -> int | None:
    """Return the trade return code of MetaTrader 5."""
    return MT5_RETCODES_BY_REASON.get(refused.reason or "", error_mapping_of(refused).mt5_retcode)
