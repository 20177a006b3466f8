"""Protection of requests that are known by a cookie, which a browser sends by itself.

A foreign page can make a browser send a request with the cookie, but cannot send the own origin,
JSON, and the token of the session.
"""

import hmac

from starlette.types import Scope

from oms.api.browser.cookie import csrf_token
from oms.api.browser.site import header_values
from oms.domain.errors import Forbidden

READING_METHODS = frozenset({"GET", "HEAD"})
JSON_TYPE = "application/json"


class CsrfFailed(Forbidden):
    """The request may come from a foreign page; ``reason`` is the rule that it breaks."""

    code = "csrf_failed"


def refuse_foreign_page(scope: Scope, origin: str | None) -> None:
    """Check where a request comes from. Raises ``CsrfFailed``."""
    is_read = scope["method"] in READING_METHODS
    sites = header_values(scope, b"sec-fetch-site")
    allowed = {"same-origin", "none"} if is_read else {"same-origin"}
    if len(sites) > 1 or not allowed.issuperset(sites):
        raise CsrfFailed("the request comes from another site", reason="fetch_site")
    origins = header_values(scope, b"origin")
    if len(origins) > 1 or any(sent != origin for sent in origins) or not (origins or is_read):
        message = "the request comes from another origin, or names none"
        raise CsrfFailed(message, reason="origin")
    if not is_read and _has_body(scope) and not _is_json(header_values(scope, b"content-type")):
        raise CsrfFailed("a body is application/json", reason="content_type")


def refuse_wrong_token(scope: Scope, text: str) -> None:
    """Check the token of a request that changes something. Raises ``CsrfFailed``."""
    if scope["method"] in READING_METHODS:
        return
    tokens = header_values(scope, b"x-csrf-token")
    sent = tokens[0].encode("latin-1") if len(tokens) == 1 else b""
    if not hmac.compare_digest(sent, csrf_token(text).encode()):
        message = "the header x-csrf-token is not the token of this session; see GET /auth/me"
        raise CsrfFailed(message, reason="token")


def _has_body(scope: Scope) -> bool:
    lengths = header_values(scope, b"content-length")
    return bool(header_values(scope, b"transfer-encoding")) or any(
        length.strip() != "0" for length in lengths
    )


def _is_json(types: list[str]) -> bool:
    return len(types) == 1 and types[0].partition(";")[0].strip().lower() == JSON_TYPE
