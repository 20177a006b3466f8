"""``GET /openapi.json``: the OpenAPI document; ``GET /docs``: the same in Swagger UI.

The gateway serves Swagger UI itself: nothing is loaded from another host and no script is inline.
All of it is public, or with ``public_docs=false`` needs a key.
"""

import asyncio
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from oms.api.context import admit_caller, api_context
from oms.api.errors import JsonResponse
from oms.api.middleware.security_headers import SECURITY_HEADERS_KEY, with_policy
from oms.api.openapi.route_docs import documented
from oms.domain.errors import NotFound

router = APIRouter()

_MAY_NEED_A_KEY = frozenset({401, 403, 429, 503})

PACKAGE = "fastapi_swagger"
"""The package that has the files of Swagger UI; none of its functions is called."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Swagger UI sets styles of elements and has its icons as ``data:`` in its CSS."""

MEDIA_TYPES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
"""Files of the package that the page loads."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>oms-gateway</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayOperationId: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"""


@router.get(
    "/openapi.json",
    openapi_extra=documented(dict[str, Any], errors=_MAY_NEED_A_KEY, is_public=True),
)
async def get_openapi_document(request: Request) -> Response:
    """Return this document."""
    await _admit(request)
    return JsonResponse(await asyncio.to_thread(lambda: request.app.openapi_text))


@router.get("/docs", include_in_schema=False)
async def get_docs(request: Request) -> Response:
    """Return the page."""
    await _admit(request)
    request.scope[SECURITY_HEADERS_KEY] = with_policy(CONTENT_SECURITY_POLICY)
    return HTMLResponse(_PAGE)


@router.get("/docs/start.js", include_in_schema=False)
async def get_start(request: Request) -> Response:
    """Return the script that starts Swagger UI."""
    await _admit(request)
    return Response(_START, media_type="text/javascript")


@router.get("/docs/{name}", include_in_schema=False)
async def get_file(request: Request, name: str) -> Response:
    """Return a file of Swagger UI."""
    await _admit(request)
    if name not in MEDIA_TYPES:
        raise NotFound("there is no such path")
    path = Path(str(files(PACKAGE))) / "resources" / name
    return FileResponse(path, media_type=MEDIA_TYPES[name])


async def _admit(request: Request) -> None:
    if not api_context(request).settings.public_docs:
        await admit_caller(request)
