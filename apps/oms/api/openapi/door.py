"""``GET /openapi.json``: the document, built when it is first asked for.

For everybody, or with ``public_docs=false`` for those with a key.
"""

from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import Response

from oms.api.deps import Doors, caller
from oms.api.errors import JsonResponse
from oms.api.openapi.document import build
from oms.wire.json import dumps_plain

PATH = "/openapi.json"


class OpenApi:
    """The endpoint, ``answer``."""

    def __init__(self, parts: Doors, served: Collection[tuple[str, str]]) -> None:
        self._parts = parts
        self._served = served
        self._text: bytes | None = None

    async def answer(self, request: Request) -> Response:
        """Answer one request. Raises ``Unauthenticated``, ``Unavailable``, ``RateLimited``."""
        if not self._parts.settings.public_docs:
            await caller(request)
        if self._text is None:
            self._text = dumps_plain(build(self._parts.version, self._served)).encode()
        return JsonResponse(self._text)
