"""Security headers for API responses in browsers: no caching, framing or sniffing."""

CONTENT_SECURITY_POLICY_KEY = "oms.content_security_policy"
"""ASGI scope key under which a page puts a policy of its own."""

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
