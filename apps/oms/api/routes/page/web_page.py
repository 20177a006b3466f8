"""``GET /ui/...``: the files of the web desk; ``GET /`` sends a browser there.

The page is public: it has no data of its own, and each route that it calls decides by itself.
"""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from oms.api.browser.site import own_origin, read_site
from oms.api.client_ip import client_ip
from oms.api.context import api_context
from oms.api.entity_tags import is_known
from oms.api.middleware.security_headers import SECURITY_HEADERS_KEY
from oms.api.web_page.page_files import ASSETS, INDEX, PageFile, PageFolder
from oms.api.web_page.page_headers import IMMUTABLE, NO_CACHE, page_headers
from oms.domain.errors import NotFound

router = APIRouter()

METHODS = ["GET", "HEAD"]
PAGE_URL = "/ui/"

_NOT_BUILT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>oms-gateway: the web desk is not built</title>
</head>
<body>
<h1>The web desk is not built</h1>
<p>The gateway runs; its API is served as ever.</p>
<p>In a checkout <code>make ui</code> builds the page, and this address shows it as soon as that is
done. A wheel or an image without the page was made from a checkout where it was not built.</p>
</body>
</html>
"""


@router.api_route("/", methods=METHODS, include_in_schema=False)
async def get_root(request: Request) -> Response:
    """Redirect a browser to the page; for programs there is nothing here."""
    if api_context(request).page is None or "text/html" not in request.headers.get("accept", ""):
        raise NotFound("there is no such path")
    return RedirectResponse(PAGE_URL, 303, headers={"Vary": "Accept"})


@router.api_route("/ui", methods=METHODS, include_in_schema=False)
async def get_page(request: Request) -> Response:
    """Return the page, or how to build it."""
    return await _serve(request, INDEX)


@router.api_route("/ui/{path:path}", methods=METHODS, include_in_schema=False)
async def get_page_file(request: Request, path: str) -> Response:
    """Return a file of the page; a path without a dot is a view of the page itself."""
    is_view = "." not in path and not path.startswith(ASSETS)
    return await _serve(request, INDEX if is_view else path)


async def _serve(request: Request, name: str) -> Response:
    page = api_context(request).page
    if page is None:
        raise NotFound("there is no such path")
    files = await asyncio.to_thread(PageFolder.read, page)
    file = files.get(name)
    if file is not None:
        return _file_response(request, file)
    if name == INDEX:
        return HTMLResponse(_NOT_BUILT, 404)
    raise NotFound("there is no such path")


def _file_response(request: Request, file: PageFile) -> Response:
    settings = api_context(request).settings
    site = read_site(request.scope, client_ip(request.scope, settings.trusted_proxies), settings)
    cache_control = IMMUTABLE if file.is_immutable else NO_CACHE
    headers_of_page = page_headers(site, own_origin(site, settings), cache_control)
    request.scope[SECURITY_HEADERS_KEY] = headers_of_page
    headers = {"etag": file.etag, "vary": "Accept-Encoding"}
    if is_known(request, file.etag):
        return Response(status_code=304, headers=headers)
    headers["content-type"] = file.media_type
    if file.compressed is None or not _takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(file.body, headers=headers)
    return Response(file.compressed, headers=headers | {"content-encoding": "gzip"})


def _takes_gzip(accept_encoding: str) -> bool:
    for entry in accept_encoding.split(","):
        coding, _, quality = entry.partition(";")
        if coding.strip().lower() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
