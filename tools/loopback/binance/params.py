"""Who asks what: parameters, keys, timestamps and signatures of the Binance dialect."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from loopback.binance.errors import ApiError, missing_parameter
from loopback.exchange.account import Account
from loopback.exchange.venue import ApiKey, Venue
from loopback.formatting import market_id
from loopback.server.http import Request
from loopback.server.request_filter import RequestFilter
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import NotADecimal, parse_decimal

WINDOW_MS, AHEAD_MS_MAX = 5000, 1000
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Caller:
    """Who asks: an account of this venue, on spot or on contracts."""

    venue: Venue
    gate: RequestFilter
    account: Account
    key: str
    spot: bool

    def instrument(self, params: Params) -> Instrument:
        """The instrument that a request names. Raises ``Refusal``."""
        return find_instrument(self.venue, params, spot=self.spot)


def signed_text(request: Request) -> str:
    """The parameters as they were signed: the query, or the body where there is one."""
    return request.body.decode("utf-8", "replace") if request.body else request.query


def request_params(request: Request) -> dict[str, str]:
    """All parameters."""
    return request.params | dict(parse_qsl(request.body.decode("utf-8", "replace")))


def sign(secret: str, text: str) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


def find_key(name: str, keys: Mapping[str, ApiKey]) -> ApiKey:
    """A key that is known. Raises ``Refusal``."""
    if not name:
        raise ApiError(-2014, "API-key format invalid.", status=401)
    if name not in keys:
        raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    return keys[name]


def check_signature(key: ApiKey, text: str, params: Params, now_ms: int) -> None:
    """Whether the key has signed the text before ``&signature=``. Raises ``Refusal``."""
    payload, _, signature = text.rpartition("&signature=")
    if not payload:
        raise missing_parameter("signature")
    if not hmac.compare_digest(sign(key.secret, payload), signature):
        raise ApiError(-1022, "Signature for this request is not valid.")
    check_timestamp(params, now_ms)


def check_timestamp(params: Params, now_ms: int) -> None:
    """Whether the timestamp is of now. Raises ``Refusal``."""
    stamp, window = str(params.get("timestamp", "")), str(params.get("recvWindow", WINDOW_MS))
    if not stamp.isdigit() or not window.isdigit():
        raise missing_parameter("timestamp")
    if int(stamp) >= now_ms + AHEAD_MS_MAX:
        raise ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if int(stamp) < now_ms - int(window):
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def instruments(venue: Venue, *, spot: bool) -> list[Instrument]:
    """Those of spot, or the linear contracts."""
    kind = InstrumentKind.SPOT if spot else InstrumentKind.LINEAR
    return [each for each in venue.instruments.values() if each.kind is kind]


def find_instrument(venue: Venue, params: Params, *, spot: bool) -> Instrument:
    """The instrument that a request names. Raises ``Refusal``."""
    name = str(params.get("symbol", ""))
    if not name:
        raise missing_parameter("symbol")
    for each in instruments(venue, spot=spot):
        if market_id(each.symbol) == name:
            return each
    raise ApiError(-1121, "Invalid symbol.")


def parse_number(params: Params, name: str) -> Decimal | None:
    """A number of a request; ``None`` if it is not there, or zero. Raises ``Refusal``."""
    told = str(params.get(name) or "")
    if not told:
        return None
    try:
        return parse_decimal(told) or None
    except NotADecimal:
        raise missing_parameter(name) from None


def parse_limit(params: Params, usual: int, most: int) -> int:
    """The page size of a request."""
    told = str(params.get("limit", ""))
    return max(1, min(int(told), most)) if told.isdigit() else usual
