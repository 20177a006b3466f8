"""Entity tags: what a client has already is not sent again."""

import hashlib

from starlette.requests import Request
from starlette.responses import Response


def entity_tag(body: bytes) -> str:
    """Return the weak entity tag of a body."""
    return f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_known(request: Request, tag: str) -> bool:
    """Return whether the client has this version; tags are compared weakly."""
    known = request.headers.get("if-none-match", "")
    tags = {each.strip().removeprefix("W/") for each in known.split(",")}
    return "*" in tags or tag.removeprefix("W/") in tags


def tagged(request: Request, response: Response) -> Response:
    """Return a response with the tag of its body, or 304 without a body if the client has it."""
    tag = entity_tag(bytes(response.body))
    if is_known(request, tag):
        return Response(status_code=304, headers={"etag": tag})
    response.headers["etag"] = tag
    return response
