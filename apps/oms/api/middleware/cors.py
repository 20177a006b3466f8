"""CORS for the origins of the setting ``cors_origins``; not installed without origins.

Differences from Starlette's middleware: other origins get no CORS headers at all, an accepted
preflight request is 204, and a refused one has the error body of all refusals.
"""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oms.api.errors import REQUEST_ID_SCOPE_KEY, refusal_response
from oms.domain.errors import Refused

MAX_AGE_SECONDS = 600
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ALLOWED_HEADERS = (
    *("authorization", "content-type", "idempotency-key", "prefer"),
    *("x-api-key", "x-comment", "x-request-id"),
)
_EXPOSED_HEADERS = (
    *("Idempotent-Replayed", "Location", "Preference-Applied", "RateLimit", "RateLimit-Policy"),
    *("Retry-After", "WWW-Authenticate", "X-OMS-Version", "X-RateLimit-Limit"),
    *("X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id"),
)


class CorsMiddleware(CORSMiddleware):
    """Allows pages of exactly the listed origins; they send keys, never cookies."""

    def __init__(self, app: ASGIApp, *, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_ALLOWED_HEADERS,
            allow_credentials=False,
            expose_headers=_EXPOSED_HEADERS,
            max_age=MAX_AGE_SECONDS,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return 204, or a response that is the error ``permission_denied``."""
        response = super().preflight_response(request_headers)
        if response.status_code != 200:
            return _PreflightRefusal()
        names = ("content-length", "content-type")
        headers = {name: text for name, text in response.headers.items() if name not in names}
        return Response(status_code=204, headers=headers)

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        """Add the headers; for origins that are not listed only ``Vary``."""
        origin = request_headers.get("origin")
        if origin is not None and not self.is_allowed_origin(origin):
            request_headers = Headers({})
        await super().send(message, send, request_headers)


class _PreflightRefusal(Response):
    """Built when it is sent, because the error body has the request id of the scope."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = "cross-origin requests from this origin are not allowed"
        refused = Refused(code="permission_denied", message=message)
        response = refusal_response(refused, scope[REQUEST_ID_SCOPE_KEY])
        response.headers["Vary"] = "Origin"
        await response(scope, receive, send)
