"""Request parameters of the Binance dialect, and their keys, timestamps and signatures."""

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
from loopback.faults import FaultQueue
from loopback.formatting import market_id
from loopback.server.http import Request
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import NotADecimal, parse_decimal

WINDOW_MS, AHEAD_MS_MAX = 5000, 1000
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Caller:
    """The authenticated caller of a request; ``spot`` is false for contracts."""

    venue: Venue
    faults: FaultQueue
    account: Account
    key: str
    spot: bool

    def instrument(self, params: Params) -> Instrument:
        """Returns the instrument of a request. Raises ``ApiError``."""
        return find_instrument(self.venue, params, spot=self.spot)


def signed_text(request: Request) -> str:
    """Returns the parameters as signed: the body, or the query if there is none."""
    return request.body.decode("utf-8", "replace") if request.body else request.query


def request_params(request: Request) -> dict[str, str]:
    """Returns all parameters."""
    return request.params | dict(parse_qsl(request.body.decode("utf-8", "replace")))


def sign(secret: str, text: str) -> str:
    """Returns the HMAC-SHA256 as hex."""
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


def find_key(name: str, keys: Mapping[str, ApiKey]) -> ApiKey:
    """Returns a key by name. Raises ``ApiError``."""
    if not name:
        raise ApiError(-2014, "API-key format invalid.", status=401)
    if name not in keys:
        raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    return keys[name]


def check_signature(key: ApiKey, text: str, params: Params, now_ms: int) -> None:
    """Checks the signature of the text before ``&signature=``. Raises ``ApiError``."""
    payload, _, signature = text.rpartition("&signature=")
    if not payload:
        raise missing_parameter("signature")
    if not hmac.compare_digest(sign(key.secret, payload), signature):
        raise ApiError(-1022, "Signature for this request is not valid.")
    check_timestamp(params, now_ms)


def check_timestamp(params: Params, now_ms: int) -> None:
    """Checks the timestamp against ``recvWindow``. Raises ``ApiError``."""
    stamp, window = str(params.get("timestamp", "")), str(params.get("recvWindow", WINDOW_MS))
    if not stamp.isdigit() or not window.isdigit():
        raise missing_parameter("timestamp")
    if int(stamp) >= now_ms + AHEAD_MS_MAX:
        raise ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if int(stamp) < now_ms - int(window):
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def instruments(venue: Venue, *, spot: bool) -> list[Instrument]:
    """Returns the spot instruments, or the linear contracts."""
    kind = InstrumentKind.SPOT if spot else InstrumentKind.LINEAR
    return [each for each in venue.instruments.values() if each.kind is kind]


def find_instrument(venue: Venue, params: Params, *, spot: bool) -> Instrument:
    """Returns the instrument of a request. Raises ``ApiError``."""
    name = str(params.get("symbol", ""))
    if not name:
        raise missing_parameter("symbol")
    for each in instruments(venue, spot=spot):
        if market_id(each.symbol) == name:
            return each
    raise ApiError(-1121, "Invalid symbol.")


def parse_number(params: Params, name: str) -> Decimal | None:
    """Returns a number; ``None`` if it is missing or zero. Raises ``ApiError``."""
    value = str(params.get(name) or "")
    if not value:
        return None
    try:
        return parse_decimal(value) or None
    except NotADecimal:
        raise missing_parameter(name) from None


def parse_limit(params: Params, default: int, maximum: int) -> int:
    """Returns the page size of a request."""
    limit = str(params.get("limit", ""))
    return max(1, min(int(limit), maximum)) if limit.isdigit() else default
