"""What pages of other origins may ask: those of the origins that ``cors_origins`` lists, exactly.

Off where none is listed. Nothing is decided about who asks: a key is needed as ever.
"""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.responses import Response

from oms.api.errors import refusal_response
from oms.domain.errors import Refused

MAX_AGE_SECONDS = 600
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ALLOWED = (
    *("authorization", "content-type", "idempotency-key", "prefer"),
    *("x-api-key", "x-comment", "x-request-id"),
)
_EXPOSED = (
    *("Idempotent-Replayed", "Location", "Preference-Applied", "RateLimit", "RateLimit-Policy"),
    *("Retry-After", "WWW-Authenticate", "X-OMS-Version", "X-RateLimit-Limit"),
    *("X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id"),
)

HeaderList = list[tuple[bytes, bytes]]


class CorsPolicy:
    """The listed origins; ``*`` is not among them."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origins)

    def headers(self, origin: str | None) -> HeaderList:
        """What an answer to ``origin`` carries."""
        varies = [(b"vary", b"Origin")]
        if origin is None or origin not in self._origins:
            return varies
        return [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", ", ".join(_EXPOSED).encode()),
            *varies,
        ]

    def preflight(self, method: str, sent: Headers, request_id: str) -> Response | None:
        """The answer to a browser that asks before it asks; ``None``: this is no such question."""
        wished = sent.get("access-control-request-method")
        if method != "OPTIONS" or wished is None or "origin" not in sent:
            return None
        names = sent.get("access-control-request-headers", "").lower().split(",")
        unknown = {name.strip() for name in names} - {"", *_ALLOWED}
        if sent["origin"] not in self._origins or wished not in _METHODS or unknown:
            message = "pages of this origin may not ask this"
            return refusal_response(Refused(code="permission_denied", message=message), request_id)
        told = {
            "Access-Control-Allow-Methods": ", ".join(_METHODS),
            "Access-Control-Allow-Headers": ", ".join(_ALLOWED),
            "Access-Control-Max-Age": str(MAX_AGE_SECONDS),
        }
        return Response(status_code=204, headers=told)
