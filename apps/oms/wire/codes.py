"""What each error code means to HTTP, ccxt and MetaTrader 5 clients: the one table of codes.

Every code has one row in ``CODES``. Who tells a refusal (an answer, an event, a view) asks here;
nothing is told here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from oms.domain.errors import Refused


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
    "column_not_mutable": _WRONG,
    "average_not_reachable": _WRONG,
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
    "create_failed": Kind(502, "InvalidOrder", 10006, "rejected"),
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

NOT_SUPPORTED = "not_supported"
"""The reason of an ``unsupported_func`` that the exchange has no method for, as ccxt says it."""

REASONS_MT5: Mapping[str, int] = {
    "qty": 10014,
    "price": 10015,
    "change_pending": 10028,
    "order_in_doubt": 10028,
    "key_order_notional": 10040,
    "key_day_notional": 10040,
    "kill_switch": 10026,
}
"""MetaTrader return codes of finer words, before that of the code."""


def kind_of(refused: Refused) -> Kind:
    """The row of a code; a code without one follows from what the exchange has to do with it."""
    if refused.reason == NOT_SUPPORTED:
        return _UNSUPPORTED
    known = CODES.get(refused.code)
    if known is not None:
        return known
    return CODES["exchange_error"] if refused.outcome == "rejected" else _WRONG


def mt5_retcode(refused: Refused) -> int | None:
    """The trade return code of MetaTrader 5."""
    return REASONS_MT5.get(refused.reason or "", kind_of(refused).mt5_retcode)
