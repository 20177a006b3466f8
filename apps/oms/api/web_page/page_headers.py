"""Security headers of the page's files, in place of those of API responses."""

import re

from oms.api.browser.site import Site

CSP_REPORT_PATH = "/csp-report"
IMMUTABLE = "public, max-age=31536000, immutable"
NO_CACHE = "no-cache"

_NAMED = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?")
"""Origins that a policy can name: without IPv6 addresses and underscores."""

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


def page_headers(site: Site, origin: str | None, cache_control: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of one file of the page; ``origin`` is the own one of ``site``."""
    policy = _POLICY.format(connect=_connect_sources(origin))
    headers = [
        (b"cache-control", cache_control.encode()),
        (b"content-security-policy", policy.encode()),
        *_FIXED_HEADERS,
    ]
    return [*headers, _HSTS] if site.is_encrypted else headers


def _connect_sources(origin: str | None) -> str:
    """Return ``'self'`` and the origin of the WebSocket, which older browsers do not include."""
    if origin is None or not _NAMED.fullmatch(origin):
        return "'self'"
    return f"'self' {origin.replace('http', 'ws', 1)}"
