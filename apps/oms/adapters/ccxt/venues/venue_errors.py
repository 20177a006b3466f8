"""Meanings of venue error codes, and where a reply keeps its code.

The venue's code decides before ccxt's exception class does: on a host that ccxt does not know it
skips Binance's futures error table, and rejections arrive as plain ``ExchangeError``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import Enum
from typing import Any

from oms.domain.value import value

DUPLICATE = "duplicate_client_id"
OVERLOAD = "exchange_rate_limited"
CLOCK_SKEW = "clock_skew"
ALREADY_DONE = "already_so"
#: The venue itself does not know the outcome.
OUTCOME_UNKNOWN = "outcome_unknown"


class CodeMeaning(Enum):
    """Meaning of a venue's error code: the gateway's own code, and a reason where there is one."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXCHANGE_REJECTED = "exchange_rejected"
    PRICE_BAND = ("exchange_rejected", "price_band")
    NOTIONAL = ("exchange_rejected", "notional")
    REDUCE_ONLY = ("exchange_rejected", "reduce_only")
    TRIGGER_SIDE = ("exchange_rejected", "trigger_side")
    POST_ONLY = ("exchange_rejected", "post_only_would_take")
    RISK_LIMIT = ("exchange_rejected", "risk_limit")
    MARKET_CLOSED = "market_closed"
    ORDER_NOT_FOUND = "order_not_found"
    POSITION_MODE = "position_mode_mismatch"
    AUTH_FAILED = "auth_failed"
    NO_PERMISSION = ("auth_failed", "permission")
    DUPLICATE_CLIENT_ID = DUPLICATE
    RATE_LIMITED = OVERLOAD
    CLOCK = CLOCK_SKEW
    NOTHING_TO_DO = ALREADY_DONE
    UNKNOWN_OUTCOME = OUTCOME_UNKNOWN

    def __init__(self, code: str, reason: str | None = None) -> None:
        self.code = code
        self.reason = reason


_CODE_KEYS = (
    "retCode",
    "ret_code",
    "code",
    "sCode",
    "err_code",
    "error_code",
    "errorCode",
    "label",
)


@value
class ErrorTable:
    """Error codes of one venue, and how its replies mark success."""

    codes: Mapping[str, CodeMeaning] = field(default_factory=dict)
    #: Lower-case texts in the message that decide under one code, by code.
    messages: Mapping[str, Sequence[tuple[str, CodeMeaning]]] = field(default_factory=dict)
    #: The key of the success marker and its values; ``None``: ccxt's own check is enough.
    success: tuple[str, frozenset[str]] | None = None

    def find_meaning(self, code: str | None, message: str) -> CodeMeaning | None:
        """Returns the meaning of ``code`` in a reply with ``message``; ``None`` if not listed."""
        if code is None:
            return None
        lowered = message.lower()
        for text, meaning in self.messages.get(code, ()):
            if text in lowered:
                return meaning
        return self.codes.get(code)

    def is_success(self, body: Any) -> bool:
        """Returns whether a parsed reply is a success as far as the venue marks it."""
        if not isinstance(body, dict | list):
            return False
        if self.success is None:
            return True
        key, values = self.success
        return isinstance(body, dict) and str(body.get(key)) in values


def by_code(*groups: tuple[CodeMeaning, str]) -> dict[str, CodeMeaning]:
    """Returns meanings by code, from groups of a meaning and its codes separated by spaces."""
    return {code: meaning for meaning, codes in groups for code in codes.split()}


def parse_body(text: str) -> Any:
    """Returns the JSON of a reply, or the JSON behind the first words of an exception message.

    Returns ``None`` without complete JSON: half a code could mean anything.
    """
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts:
        return None
    try:
        return json.loads(text[min(starts) :])
    except ValueError:
        return None


def find_code(body: Any) -> str | None:
    """Returns the venue's error code in a parsed body; the code of a single order comes first."""
    if isinstance(body, list):
        return find_code(body[0]) if body else None
    if not isinstance(body, dict):
        return None
    rows = body.get("data")
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        order_code = rows[0].get("sCode")
        if order_code not in (None, "", "0"):
            return str(order_code)
    for key in _CODE_KEYS:
        if body.get(key) not in (None, ""):
            return str(body[key])
    error = body.get("error")
    if isinstance(error, list | str) and error:
        return str(error[0] if isinstance(error, list) else error)
    return None
