"""Security headers for API responses in browsers: no caching, framing or sniffing."""

SECURITY_HEADERS_KEY = "oms.security_headers"
"""ASGI scope key under which a route puts the headers that replace ``SECURITY_HEADERS``."""

SECURITY_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
"""Headers of every response."""


def with_policy(policy: str) -> list[tuple[bytes, bytes]]:
    """Return the headers with another content security policy."""
    return [
        (name, policy.encode() if name == b"content-security-policy" else value)
        for name, value in SECURITY_HEADERS
    ]
