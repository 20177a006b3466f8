"""What the codes of venues mean: refusals, load, duplicates; and where a reply keeps its code.

Tables alone. The code decides before ccxt's class does: under a host that ccxt does not know it
loses Binance's futures table, and refusals arrive as bare ``ExchangeError``.
"""

import json
from collections.abc import Mapping
from typing import Any

from oms.domain.value import value


@value
class CodeMeaning:
    """What a venue's code says: a word of our table of codes, and a inner_code one."""

    code: str
    reason: str | None = None


DUPLICATE = "duplicate_client_id"
OVERLOAD = "exchange_rate_limited"
CLOCK_SKEW = "clock_skew"
ALREADY_DONE = "already_so"
#: The venue itself does not know what became of it.
OUTCOME_UNKNOWN = "outcome_unknown"

_FUNDS = CodeMeaning(code="insufficient_funds")
_REFUSED = CodeMeaning(code="exchange_rejected")
_NOT_FOUND = CodeMeaning(code="order_not_found")
_KEY = CodeMeaning(code="auth_failed")
_PERMISSION = CodeMeaning(code="auth_failed", reason="permission")
_DUPLICATE = CodeMeaning(code=DUPLICATE)
_OVERLOAD = CodeMeaning(code=OVERLOAD)
_CLOCK = CodeMeaning(code=CLOCK_SKEW)
_MODE = CodeMeaning(code="position_mode_mismatch")
_ALREADY_DONE = CodeMeaning(code=ALREADY_DONE)
_OUTCOME_UNKNOWN = CodeMeaning(code=OUTCOME_UNKNOWN)

_BYBIT: Mapping[str, CodeMeaning] = {
    **dict.fromkeys(("110004", "110007", "110012", "110045", "170131"), _FUNDS),
    "110003": CodeMeaning(code="exchange_rejected", reason="price_band"),
    "110017": CodeMeaning(code="exchange_rejected", reason="reduce_only"),
    **dict.fromkeys(("110094", "170140"), CodeMeaning(code="exchange_rejected", reason="notional")),
    **dict.fromkeys(
        ("110092", "110093"), CodeMeaning(code="exchange_rejected", reason="trigger_side")
    ),
    **dict.fromkeys(("110001", "170213"), _NOT_FOUND),
    **dict.fromkeys(("10003", "10004"), _KEY),
    **dict.fromkeys(("10005", "10010"), _PERMISSION),
    **dict.fromkeys(("110072", "170141"), _DUPLICATE),
    **dict.fromkeys(("10006", "10018"), _OVERLOAD),
    "10002": _CLOCK,
    **dict.fromkeys(("110025", "110043"), _ALREADY_DONE),
    "10016": _OUTCOME_UNKNOWN,
}
_BINANCE: Mapping[str, CodeMeaning] = {
    "-2019": _FUNDS,
    "-2010": _REFUSED,
    "-2022": CodeMeaning(code="exchange_rejected", reason="reduce_only"),
    "-4164": CodeMeaning(code="exchange_rejected", reason="notional"),
    **dict.fromkeys(("-2011", "-2013"), _NOT_FOUND),
    **dict.fromkeys(("-1022", "-2014", "-2015"), _KEY),
    "-4116": _DUPLICATE,
    **dict.fromkeys(("-1015", "-1003"), _OVERLOAD),
    "-1021": _CLOCK,
    "-4061": _MODE,
    "-4059": _ALREADY_DONE,
    **dict.fromkeys(("-1006", "-1007", "-1001", "-1008"), _OUTCOME_UNKNOWN),
}
_BAND = CodeMeaning(code="exchange_rejected", reason="price_band")
_NOTIONAL = CodeMeaning(code="exchange_rejected", reason="notional")
_REDUCE = CodeMeaning(code="exchange_rejected", reason="reduce_only")
_TRIGGER_SIDE = CodeMeaning(code="exchange_rejected", reason="trigger_side")
_WOULD_TAKE = CodeMeaning(code="exchange_rejected", reason="post_only_would_take")
_RISK = CodeMeaning(code="exchange_rejected", reason="risk_limit")
_CLOSED = CodeMeaning(code="market_closed")

_OKX: Mapping[str, CodeMeaning] = {
    **dict.fromkeys(("51008", "51119", "51127", "51131", "51502"), _FUNDS),
    **dict.fromkeys(("51006", "51136", "51137", "51138"), _BAND),
    **dict.fromkeys(("51020",), _NOTIONAL),
    "51205": _REDUCE,
    **dict.fromkeys(("51278", "51279", "51280"), _TRIGGER_SIDE),
    "51016": _DUPLICATE,
    **dict.fromkeys(("51400", "51401", "51402", "51503", "51603"), _NOT_FOUND),
    "51410": _ALREADY_DONE,  # it is being canceled
    **dict.fromkeys(("50011", "50061"), _OVERLOAD),
    "50102": _CLOCK,
    **dict.fromkeys(("50101", "50103", "50104", "50105", "50106", "50111", "50113", "50114"), _KEY),
    **dict.fromkeys(("50027", "50110", "50120"), _PERMISSION),
    **dict.fromkeys(("50001", "50004", "50005", "50013", "50026"), _OUTCOME_UNKNOWN),
}
#: Whole words: Kraken has no numbers. ccxt takes an unknown order for an invalid one.
_KRAKEN: Mapping[str, CodeMeaning] = {
    "EOrder:Insufficient funds": _FUNDS,
    "EOrder:Order minimum not met": _NOTIONAL,
    "EOrder:Unknown order": _NOT_FOUND,
    **dict.fromkeys(("EAPI:Invalid key", "ESession:Invalid session"), _KEY),
    "EGeneral:Permission denied": _PERMISSION,
    **dict.fromkeys(("EAPI:Rate limit exceeded", "EOrder:Rate limit exceeded"), _OVERLOAD),
    **dict.fromkeys(("EGeneral:Temporary lockout", "EGeneral:Too many requests"), _OVERLOAD),
    "EAPI:Invalid nonce": _CLOCK,
    "EService:Market in post_only mode": _CLOSED,
    "EService:Market in cancel_only mode": _CLOSED,
    **dict.fromkeys(("EService:Unavailable", "EService:Busy"), _OUTCOME_UNKNOWN),
    **dict.fromkeys(("EGeneral:Internal error", "EDatabase:Internal error"), _OUTCOME_UNKNOWN),
}
_GATE: Mapping[str, CodeMeaning] = {
    **dict.fromkeys(("BALANCE_NOT_ENOUGH", "FUTURES_BALANCE_NOT_ENOUGH"), _FUNDS),
    **dict.fromkeys(("MARGIN_BALANCE_NOT_ENOUGH", "INSUFFICIENT_AVAILABLE"), _FUNDS),
    **dict.fromkeys(("PRICE_TOO_DEVIATED", "PRICE_OVER_LIQUIDATION"), _BAND),
    **dict.fromkeys(("PRICE_OVER_BANKRUPT", "PRICE_THRESHOLD_EXCEEDED"), _BAND),
    **dict.fromkeys(("AMOUNT_TOO_LITTLE", "SIZE_TOO_SMALL"), _NOTIONAL),
    **dict.fromkeys(("POSITION_EMPTY", "INCREASE_POSITION"), _REDUCE),
    **dict.fromkeys(
        ("AUTO_TRIGGER_PRICE_LESS_LAST", "AUTO_TRIGGER_PRICE_GREATE_LAST"), _TRIGGER_SIDE
    ),
    **dict.fromkeys(("POC_FILL_IMMEDIATELY", "ORDER_POC_IMMEDIATE"), _WOULD_TAKE),
    **dict.fromkeys(("RISK_LIMIT_EXCEEDED", "LIQUIDATE_IMMEDIATELY"), _RISK),
    **dict.fromkeys(("ORDER_NOT_FOUND", "CLIENT_ID_NOT_FOUND"), _NOT_FOUND),
    **dict.fromkeys(("ORDER_CLOSED", "ORDER_CANCELLED", "ORDER_FINISHED"), _NOT_FOUND),
    "REPEATED_CREATION": _DUPLICATE,
    "NO_CHANGE": _ALREADY_DONE,
    **dict.fromkeys(("TOO_FAST", "TOO_MANY_REQUESTS"), _OVERLOAD),
    "REQUEST_EXPIRED": _CLOCK,
    **dict.fromkeys(("INVALID_KEY", "INVALID_SIGNATURE", "INVALID_CREDENTIALS"), _KEY),
    "AUTHENTICATION_FAILED": _KEY,
    **dict.fromkeys(("IP_FORBIDDEN", "READ_ONLY", "FORBIDDEN"), _PERMISSION),
    **dict.fromkeys(("INTERNAL", "SERVER_ERROR", "TOO_BUSY"), _OUTCOME_UNKNOWN),
}
#: 600100 is funds below the least of an order, which ccxt takes for funds that are not there.
_KUCOIN: Mapping[str, CodeMeaning] = {
    **dict.fromkeys(("200004", "230003", "210021", "126013", "300003", "330008"), _FUNDS),
    **dict.fromkeys(("400330", "400370", "400760", "126029", "126030"), _BAND),
    **dict.fromkeys(("600100", "600101", "126003"), _NOTIONAL),
    "300009": _REDUCE,
    "330012": _MODE,
    **dict.fromkeys(("126033", "126044"), _DUPLICATE),
    **dict.fromkeys(("100001", "126043", "order_not_exist"), _NOT_FOUND),
    "100004": _NOT_FOUND,  # not one that can be canceled: what became of it is looked up
    **dict.fromkeys(("429", "429000"), _OVERLOAD),
    "400002": _CLOCK,
    **dict.fromkeys(("400001", "400003", "400004", "400005", "400006", "400007"), _KEY),
    **dict.fromkeys(("400303", "126047", "126048"), _PERMISSION),
    **dict.fromkeys(("408000", "500000", "126038", "126039"), _OUTCOME_UNKNOWN),
}
_BITGET: Mapping[str, CodeMeaning] = {
    **dict.fromkeys(("40711", "40712", "40762", "43012"), _FUNDS),
    "45110": _NOTIONAL,
    "40774": _MODE,
    **dict.fromkeys(("40109", "40768", "43001", "43025"), _NOT_FOUND),
    **dict.fromkeys(("429", "1001", "30014", "30026"), _OVERLOAD),
    **dict.fromkeys(("40004", "40005", "40008"), _CLOCK),
    **dict.fromkeys(("40001", "40002", "40003", "40006", "40009", "40011", "40012", "40037"), _KEY),
    **dict.fromkeys(("40014", "40016", "40018", "40301"), _PERMISSION),
    # Elsewhere it is said to be a request that took too long: what is in doubt is looked up.
    **dict.fromkeys(("40010", "40604", "500"), _OUTCOME_UNKNOWN),
}

#: Words in a message that decide under one code, lower case.
_MESSAGE_MEANINGS: Mapping[tuple[str, str], tuple[tuple[str, CodeMeaning], ...]] = {
    ("binance", "-2010"): (
        ("duplicate order sent", _DUPLICATE),
        ("insufficient balance", _FUNDS),
    ),
    ("bybit", "10001"): (("position idx not match position mode", _MODE),),
    ("gate", "INVALID_PARAM_VALUE"): (("your order size", _NOTIONAL),),
    ("kucoin", "400100"): (
        ("order_not_exist_or_not_allow_to_cancel", _NOT_FOUND),
        ("order size below the minimum", _NOTIONAL),
        ("account.available.amount", _FUNDS),
    ),
    ("kucoin", "600100"): (("increment invalid", _REFUSED),),
}

_FAMILIES: Mapping[str, tuple[str, Mapping[str, CodeMeaning]]] = {
    **dict.fromkeys(("bybit", "bybiteu", "bybitid"), ("bybit", _BYBIT)),
    **dict.fromkeys(("binance", "binanceus", "binanceusdm", "binancecoinm"), ("binance", _BINANCE)),
    **dict.fromkeys(("okx", "okxus", "myokx"), ("okx", _OKX)),
    "kraken": ("kraken", _KRAKEN),
    **dict.fromkeys(("gate", "gateeu"), ("gate", _GATE)),
    **dict.fromkeys(("kucoin", "kucoinfutures"), ("kucoin", _KUCOIN)),
    "bitget": ("bitget", _BITGET),
}

#: Where a successful reply of a venue says so, and how. Elsewhere ccxt's own check stands.
_SUCCESS: Mapping[str, tuple[str, frozenset[str]]] = {
    **dict.fromkeys(("bybit", "bybiteu", "bybitid"), ("retCode", frozenset({"0"}))),
    **dict.fromkeys(("okx", "okxus", "myokx"), ("code", frozenset({"0"}))),
    "bitget": ("code", frozenset({"00000"})),
    **dict.fromkeys(("kucoin", "kucoinfutures"), ("code", frozenset({"200000", "200"}))),
    "kraken": ("error", frozenset({"[]"})),
}
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


def parse_body(text: str) -> Any:
    """The complete JSON in a reply, or behind an exception's first words; ``None`` without one.

    Half a reply is none: half a code could mean anything.
    """
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    if not starts:
        return None
    try:
        return json.loads(text[min(starts) :])
    except ValueError:
        return None


def find_code(body: Any) -> str | None:
    """The venue's own code in a parsed body; the inner_code one of the only order comes first."""
    if isinstance(body, list):
        return find_code(body[0]) if body else None
    if not isinstance(body, dict):
        return None
    rows = body.get("data")
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        inner_code = rows[0].get("sCode")
        if inner_code not in (None, "", "0"):
            return str(inner_code)
    for key in _CODE_KEYS:
        if body.get(key) not in (None, ""):
            return str(body[key])
    error = body.get("error")
    if isinstance(error, list | str) and error:
        return str(error[0] if isinstance(error, list) else error)
    return None


def find_meaning(venue: str, code: str | None, text: str) -> CodeMeaning | None:
    """What ``code`` says at ``venue``, ``text`` being the whole message; ``None`` if unlisted."""
    family, codes = _FAMILIES.get(venue, ("", {}))
    if code is None:
        return None
    lowered = text.lower()
    for words, each in _MESSAGE_MEANINGS.get((family, code), ()):
        if words in lowered:
            return each
    return codes.get(code)


def is_success(venue: str, body: Any) -> bool:
    """Whether a parsed reply says that all went well, where the venue says so at all."""
    if not isinstance(body, dict | list):
        return False
    if venue not in _SUCCESS:
        return True
    key, words = _SUCCESS[venue]
    return isinstance(body, dict) and str(body.get(key)) in words
