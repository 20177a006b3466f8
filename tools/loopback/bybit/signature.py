"""Authentication of the Bybit dialect: keys, timestamps, signatures over the raw request."""

import hmac
from collections.abc import Mapping
from hashlib import sha256

from loopback.bybit.errors import ApiError
from loopback.exchange.venue import ApiKey
from loopback.server.http import Request

AHEAD_MS_MAX = 1000
WINDOW_MS = 5000


def sign(secret: str, text: str) -> str:
    """Returns the HMAC-SHA256 as hex."""
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


def authenticate(request: Request, keys: Mapping[str, ApiKey], now_ms: int) -> ApiKey:
    """Returns the key that signed a request. Raises ``ApiError``."""
    headers = request.headers
    key = keys.get(headers.get("x-bapi-api-key", ""))
    if key is None:
        raise ApiError(10003, "API key is invalid.")
    stamp, window = headers.get("x-bapi-timestamp", ""), headers.get("x-bapi-recv-window", "")
    payload = request.query if request.method == "GET" else request.body.decode("utf-8", "replace")
    origin = f"{stamp}{key.name}{window}{payload}"
    if not hmac.compare_digest(sign(key.secret, origin), headers.get("x-bapi-sign", "").lower()):
        raise ApiError(10004, f"error sign! origin_string[{origin}]")
    if not stamp.isdigit() or not _is_in_window(int(stamp), window, now_ms):
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
    """Returns the key of an ``auth`` frame [key, expires, signature]; ``None`` if invalid."""
    if len(args) != 3:
        return None
    name, expires, signature = (str(each) for each in args)
    key = keys.get(name)
    if key is None or not expires.isdigit() or int(expires) <= now_ms:
        return None
    expected = sign(key.secret, f"GET/realtime{expires}")
    return key if hmac.compare_digest(expected, signature.lower()) else None


def _is_in_window(stamp: int, window: str, now_ms: int) -> bool:
    window_ms = int(window) if window.isdigit() else WINDOW_MS
    return now_ms - window_ms <= stamp < now_ms + AHEAD_MS_MAX
