"""Authentication of the OKX dialect: key, passphrase, timestamp, signature over the raw request.

As ccxt signs (``okx.sign``): the base64 of HMAC-SHA256 over timestamp, method, path with its query,
and body.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from loopback.exchange.venue import ApiKey
from loopback.formatting import to_ms
from loopback.okx.errors import ApiError
from loopback.server.http import Request

#: OKX refuses requests whose timestamp differs more from its time.
WINDOW_MS = 30_000
_LOGIN_TEXT = "GET/users/self/verify"


def sign(secret: str, text: str) -> str:
    """Returns the HMAC-SHA256 as base64."""
    return b64encode(hmac.new(secret.encode(), text.encode(), sha256).digest()).decode()


def authenticate(request: Request, keys: Mapping[str, ApiKey], now_ms: int) -> ApiKey:
    """Returns the key that signed a request. Raises ``ApiError``."""
    headers = request.headers
    key = keys.get(headers.get("ok-access-key", ""))
    if key is None:
        raise ApiError(50111, "Invalid OK-ACCESS-KEY", status=401)
    stamp, query = headers.get("ok-access-timestamp", ""), request.query
    at_ms = _parse_stamp(stamp)
    if at_ms is None:
        raise ApiError(50112, "Invalid OK-ACCESS-TIMESTAMP", status=401)
    if abs(at_ms - now_ms) > WINDOW_MS:
        raise ApiError(50102, "Timestamp request expired", status=401)
    _check_passphrase(key, headers.get("ok-access-passphrase", ""))
    path = request.path + (f"?{query}" if query else "")
    text = f"{stamp}{request.method}{path}{request.body.decode('utf-8', 'replace')}"
    if not hmac.compare_digest(sign(key.secret, text), headers.get("ok-access-sign", "")):
        raise ApiError(50113, "Invalid Sign", status=401)
    if key.read_only and request.method != "GET":
        message = "This API key doesn't have permission to use this function"
        raise ApiError(50120, message, status=401)
    return key


def authenticate_stream(args: Any, keys: Mapping[str, ApiKey], now_ms: int) -> ApiKey | None:
    """Returns the key of the arguments of a ``login`` frame; ``None`` if they are invalid."""
    fields = args[0] if isinstance(args, list) and args and isinstance(args[0], dict) else {}
    key, stamp = keys.get(str(fields.get("apiKey"))), str(fields.get("timestamp", ""))
    if key is None or not stamp.isdigit() or abs(int(stamp) * 1000 - now_ms) > WINDOW_MS:
        return None
    if not key.passphrase or fields.get("passphrase") != key.passphrase:
        return None
    expected = sign(key.secret, stamp + _LOGIN_TEXT)
    return key if hmac.compare_digest(expected, str(fields.get("sign", ""))) else None


def _check_passphrase(key: ApiKey, passphrase: str) -> None:
    if not passphrase:
        message = "Request header OK-ACCESS-PASSPHRASE can not be empty."
        raise ApiError(50104, message, status=401)
    if passphrase != key.passphrase:
        message = "Request header OK-ACCESS-PASSPHRASE incorrect."
        raise ApiError(50105, message, status=401)


def _parse_stamp(text: str) -> int | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return to_ms(at if at.tzinfo else at.replace(tzinfo=UTC))
