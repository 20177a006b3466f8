"""Who asks what: parameters, keys, timestamps and signatures of the Binance dialect."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from loopback.account import Account
from loopback.binance.errors import Refusal, missing
from loopback.gate import Gate
from loopback.http import Request
from loopback.venue import Key, Venue
from loopback.words import id_of
from oms.domain.instrument import Instrument, Kind
from oms.domain.money import NotADecimal, decimal

WINDOW_MS, AHEAD_MS_MAX = 5000, 1000
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Caller:
    """Who asks: an account of this venue, on spot or on contracts."""

    venue: Venue
    gate: Gate
    account: Account
    key: str
    spot: bool

    def instrument(self, params: Params) -> Instrument:
        """The instrument that a request names. Raises ``Refusal``."""
        return instrument_in(self.venue, params, spot=self.spot)


def text_of(request: Request) -> str:
    """The parameters as they were signed: the query, or the body where there is one."""
    return request.body.decode("utf-8", "replace") if request.body else request.query


def params_of(request: Request) -> dict[str, str]:
    """All parameters."""
    return request.params | dict(parse_qsl(request.body.decode("utf-8", "replace")))


def signed(secret: str, text: str) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


def key_named(name: str, keys: Mapping[str, Key]) -> Key:
    """A key that is known. Raises ``Refusal``."""
    if not name:
        raise Refusal(-2014, "API-key format invalid.", status=401)
    if name not in keys:
        raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    return keys[name]


def judge_signature(key: Key, text: str, params: Params, now_ms: int) -> None:
    """Whether the key has signed the text before ``&signature=``. Raises ``Refusal``."""
    payload, _, signature = text.rpartition("&signature=")
    if not payload:
        raise missing("signature")
    if not hmac.compare_digest(signed(key.secret, payload), signature):
        raise Refusal(-1022, "Signature for this request is not valid.")
    judge_time(params, now_ms)


def judge_time(params: Params, now_ms: int) -> None:
    """Whether the timestamp is of now. Raises ``Refusal``."""
    stamp, window = str(params.get("timestamp", "")), str(params.get("recvWindow", WINDOW_MS))
    if not stamp.isdigit() or not window.isdigit():
        raise missing("timestamp")
    if int(stamp) >= now_ms + AHEAD_MS_MAX:
        raise Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if int(stamp) < now_ms - int(window):
        raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def instruments(venue: Venue, *, spot: bool) -> list[Instrument]:
    """Those of spot, or the linear contracts."""
    kind = Kind.SPOT if spot else Kind.LINEAR
    return [each for each in venue.instruments.values() if each.kind is kind]


def instrument_in(venue: Venue, params: Params, *, spot: bool) -> Instrument:
    """The instrument that a request names. Raises ``Refusal``."""
    name = str(params.get("symbol", ""))
    if not name:
        raise missing("symbol")
    for each in instruments(venue, spot=spot):
        if id_of(each.symbol) == name:
            return each
    raise Refusal(-1121, "Invalid symbol.")


def number_in(params: Params, name: str) -> Decimal | None:
    """A number of a request; ``None`` if it is not there, or zero. Raises ``Refusal``."""
    told = str(params.get(name) or "")
    if not told:
        return None
    try:
        return decimal(told) or None
    except NotADecimal:
        raise missing(name) from None


def limit_in(params: Params, usual: int, most: int) -> int:
    """The page size of a request."""
    told = str(params.get("limit", ""))
    return max(1, min(int(told), most)) if told.isdigit() else usual
