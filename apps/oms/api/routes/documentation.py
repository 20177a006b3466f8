"""``GET /openapi.json``: the OpenAPI document.

It is public, or with ``public_docs=false`` needs a key.
"""

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from oms.api.context import admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.openapi.route_docs import documented

router = APIRouter()

_MAY_NEED_A_KEY = frozenset({401, 403, 429, 503})


@router.get(
    "/openapi.json",
    openapi_extra=documented(dict[str, Any], errors=_MAY_NEED_A_KEY, is_public=True),
)
async def get_openapi_document(request: Request) -> Response:
    """Return this document."""
    if not api_context(request).settings.public_docs:
        await admit_caller(request)
    return JsonResponse(await asyncio.to_thread(lambda: request.app.openapi_text))
