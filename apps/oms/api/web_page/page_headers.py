"""Security headers of the page's files, in place of those of API responses."""

import re

from starlette.types import Scope

from oms.api.client_ip import is_trusted_address

CSP_REPORT_PATH = "/csp-report"
IMMUTABLE = "public, max-age=31536000, immutable"
NO_CACHE = "no-cache"

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?")
"""Names and IPv4 addresses; a policy cannot name an IPv6 address."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src {connect}; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    f"trusted-types 'none'; report-uri {CSP_REPORT_PATH}"
)
_FIXED_HEADERS = (
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")


def page_headers(
    scope: Scope, trusted_proxies: tuple[str, ...], cache_control: str
) -> list[tuple[bytes, bytes]]:
    """Return the headers of one file of the page, asked for by ``scope``."""
    is_tls = uses_tls(scope, trusted_proxies)
    policy = _POLICY.format(connect=_connect_sources(scope, is_tls=is_tls))
    headers = [
        (b"cache-control", cache_control.encode()),
        (b"content-security-policy", policy.encode()),
        *_FIXED_HEADERS,
    ]
    return [*headers, _HSTS] if is_tls else headers


def uses_tls(scope: Scope, trusted_proxies: tuple[str, ...]) -> bool:
    """Return whether the browser's connection is encrypted; proxies are believed if trusted."""
    if scope["scheme"] in ("https", "wss"):
        return True
    client: tuple[str, int] | None = scope.get("client")
    if client is None or not is_trusted_address(client[0], trusted_proxies):
        return False
    return _header(scope, b"x-forwarded-proto").strip().lower() == "https"


def _connect_sources(scope: Scope, *, is_tls: bool) -> str:
    """Return ``'self'`` and the origin of the WebSocket, which older browsers do not include."""
    host = _header(scope, b"host")
    if not _HOST.fullmatch(host):
        return "'self'"
    return f"'self' {'wss' if is_tls else 'ws'}://{host}"


def _header(scope: Scope, name: bytes) -> str:
    """Return the last header of that name, empty without one."""
    for found, text in reversed(scope["headers"]):
        if found == name:
            decoded: str = text.decode("latin-1")
            return decoded
    return ""
