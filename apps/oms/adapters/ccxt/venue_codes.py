"""What the codes of venues mean: refusals, load, duplicates; and where a reply keeps its code.

Tables alone. The code decides before ccxt's class does: under a host that ccxt does not know it
loses Binance's futures table, and refusals arrive as bare ``ExchangeError``.
"""

import json
from collections.abc import Mapping
from typing import Any

from oms.domain.value import value


@value
class Meaning:
    """What a venue's code says: a word of our table of codes, and a finer one."""

    code: str
    reason: str | None = None


DUPLICATE = "duplicate_client_id"
OVERLOAD = "exchange_rate_limited"
CLOCK_SKEW = "clock_skew"
ALREADY_SO = "already_so"
#: The venue itself does not know what became of it.
IN_DOUBT = "outcome_unknown"

_FUNDS = Meaning(code="insufficient_funds")
_REFUSED = Meaning(code="exchange_rejected")
_NOT_FOUND = Meaning(code="order_not_found")
_KEY = Meaning(code="auth_failed")
_PERMISSION = Meaning(code="auth_failed", reason="permission")
_DUPLICATE = Meaning(code=DUPLICATE)
_LOAD = Meaning(code=OVERLOAD)
_CLOCK = Meaning(code=CLOCK_SKEW)
_MODE = Meaning(code="position_mode_mismatch")
_ALREADY = Meaning(code=ALREADY_SO)
_DOUBT = Meaning(code=IN_DOUBT)

_BYBIT: Mapping[str, Meaning] = {
    **dict.fromkeys(("110004", "110007", "110012", "110045", "170131"), _FUNDS),
    "110003": Meaning(code="exchange_rejected", reason="price_band"),
    "110017": Meaning(code="exchange_rejected", reason="reduce_only"),
    **dict.fromkeys(("110094", "170140"), Meaning(code="exchange_rejected", reason="notional")),
    **dict.fromkeys(("110092", "110093"), Meaning(code="exchange_rejected", reason="trigger_side")),
    **dict.fromkeys(("110001", "170213"), _NOT_FOUND),
    **dict.fromkeys(("10003", "10004"), _KEY),
    **dict.fromkeys(("10005", "10010"), _PERMISSION),
    **dict.fromkeys(("110072", "170141"), _DUPLICATE),
    **dict.fromkeys(("10006", "10018"), _LOAD),
    "10002": _CLOCK,
    **dict.fromkeys(("110025", "110043"), _ALREADY),
    "10016": _DOUBT,
}
_BINANCE: Mapping[str, Meaning] = {
    "-2019": _FUNDS,
    "-2010": _REFUSED,
    "-2022": Meaning(code="exchange_rejected", reason="reduce_only"),
    "-4164": Meaning(code="exchange_rejected", reason="notional"),
    **dict.fromkeys(("-2011", "-2013"), _NOT_FOUND),
    **dict.fromkeys(("-1022", "-2014", "-2015"), _KEY),
    "-4116": _DUPLICATE,
    **dict.fromkeys(("-1015", "-1003"), _LOAD),
    "-1021": _CLOCK,
    "-4061": _MODE,
    "-4059": _ALREADY,
    **dict.fromkeys(("-1006", "-1007", "-1001", "-1008"), _DOUBT),
}
_OKX: Mapping[str, Meaning] = {
    "51008": _FUNDS,
    "51016": _DUPLICATE,
    **dict.fromkeys(("51400", "51401", "51603"), _NOT_FOUND),
    **dict.fromkeys(("50011", "50061"), _LOAD),
    "50102": _CLOCK,
    **dict.fromkeys(("50111", "50113"), _KEY),
    **dict.fromkeys(("50110", "50120"), _PERMISSION),
}

#: Words in a message that decide under one code, lower case.
_TEXTS: Mapping[tuple[str, str], tuple[tuple[str, Meaning], ...]] = {
    ("binance", "-2010"): (
        ("duplicate order sent", _DUPLICATE),
        ("insufficient balance", _FUNDS),
    ),
    ("bybit", "10001"): (("position idx not match position mode", _MODE),),
}

_FAMILIES: Mapping[str, tuple[str, Mapping[str, Meaning]]] = {
    **dict.fromkeys(("bybit", "bybiteu", "bybitid"), ("bybit", _BYBIT)),
    **dict.fromkeys(("binance", "binanceus", "binanceusdm", "binancecoinm"), ("binance", _BINANCE)),
    **dict.fromkeys(("okx", "okxus", "myokx"), ("okx", _OKX)),
}

#: Where a successful reply of a venue says so, and how. Elsewhere ccxt's own check stands.
_SUCCESS: Mapping[str, tuple[str, frozenset[str]]] = {
    **dict.fromkeys(("bybit", "bybiteu", "bybitid"), ("retCode", frozenset({"0"}))),
    **dict.fromkeys(("okx", "okxus", "myokx"), ("code", frozenset({"0"}))),
    "bitget": ("code", frozenset({"00000"})),
    "kucoin": ("code", frozenset({"200000"})),
    "kraken": ("error", frozenset({"[]"})),
}
_CODE_KEYS = ("retCode", "ret_code", "code", "sCode", "err_code", "error_code", "errorCode")


def body_of(text: str) -> Any:
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


def code_of(body: Any) -> str | None:
    """The venue's own code in a parsed body; the finer one of the only order comes first."""
    if isinstance(body, list):
        return code_of(body[0]) if body else None
    if not isinstance(body, dict):
        return None
    rows = body.get("data")
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        finer = rows[0].get("sCode")
        if finer not in (None, "", "0"):
            return str(finer)
    for key in _CODE_KEYS:
        if body.get(key) not in (None, ""):
            return str(body[key])
    told = body.get("error")
    if isinstance(told, list | str) and told:
        return str(told[0] if isinstance(told, list) else told)
    return None


def meaning(venue: str, code: str | None, text: str) -> Meaning | None:
    """What ``code`` says at ``venue``, ``text`` being the whole message; ``None`` if unlisted."""
    family, codes = _FAMILIES.get(venue, ("", {}))
    if code is None:
        return None
    lowered = text.lower()
    for words, each in _TEXTS.get((family, code), ()):
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
