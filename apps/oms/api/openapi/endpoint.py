"""``GET /openapi.json``: the document, built on the first request.

It is public, or with ``public_docs=false`` needs a key.
"""

import asyncio
from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import ApiContext, admit_caller
from oms.api.errors import JsonResponse
from oms.api.openapi.document import build_document
from oms.wire.json import dumps_fast

OPENAPI_PATH = "/openapi.json"


class OpenApiEndpoint:
    """The endpoint of the document."""

    def __init__(self, context: ApiContext, served: Collection[tuple[str, str]]) -> None:
        self._context = context
        self._served = served
        self._text: bytes | None = None

    async def get_document(self, request: Request) -> Response:
        """Return the document. Raises ``Unauthenticated``, ``Unavailable``, ``RateLimited``."""
        if not self._context.settings.public_docs:
            await admit_caller(request)
        if self._text is None:
            # In a thread: building takes a tenth of a second, once.
            self._text = await asyncio.to_thread(self._build_text)
        return JsonResponse(self._text)

    def _build_text(self) -> bytes:
        return dumps_fast(build_document(self._context.version, self._served)).encode()
