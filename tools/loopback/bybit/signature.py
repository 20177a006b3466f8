"""Who asks: keys, timestamps and signatures of the Bybit dialect, over the raw bytes that came."""

import hmac
from collections.abc import Mapping
from hashlib import sha256

from loopback.bybit.errors import ApiError
from loopback.exchange.venue import ApiKey
from loopback.server.http import Request

AHEAD_MS_MAX = 1000
WINDOW_MS = 5000


def sign(secret: str, text: str) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


def authenticate(request: Request, keys: Mapping[str, ApiKey], now_ms: int) -> ApiKey:
    """The key that has signed a request. Raises ``Refusal``."""
    told = request.headers
    key = keys.get(told.get("x-bapi-api-key", ""))
    if key is None:
        raise ApiError(10003, "API key is invalid.")
    stamp, window = told.get("x-bapi-timestamp", ""), told.get("x-bapi-recv-window", "")
    payload = request.query if request.method == "GET" else request.body.decode("utf-8", "replace")
    origin = f"{stamp}{key.name}{window}{payload}"
    if not hmac.compare_digest(sign(key.secret, origin), told.get("x-bapi-sign", "").lower()):
        raise ApiError(10004, f"error sign! origin_string[{origin}]")
    if not stamp.isdigit() or not _is_timely(int(stamp), window, now_ms):
        raise ApiError(
            10002,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{stamp}],server_timestamp[{now_ms}],recv_window[{window}]",
        )
    if key.read_only and request.method != "GET":
        raise ApiError(10005, "Permission denied, please check your API key permissions.")
    return key


def authenticate_stream(
    args: list[object], keys: Mapping[str, ApiKey], now_ms: int
) -> ApiKey | None:
    """The key of an ``auth`` on a stream: [key, expires, signature]; ``None`` if it is wrong."""
    if len(args) != 3:
        return None
    name, expires, signature = (str(each) for each in args)
    key = keys.get(name)
    if key is None or not expires.isdigit() or int(expires) <= now_ms:
        return None
    good = sign(key.secret, f"GET/realtime{expires}")
    return key if hmac.compare_digest(good, signature.lower()) else None


def _is_timely(stamp: int, window: str, now_ms: int) -> bool:
    width = int(window) if window.isdigit() else WINDOW_MS
    return now_ms - width <= stamp < now_ms + AHEAD_MS_MAX
