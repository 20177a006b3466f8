"""The session cookie and the token against foreign pages that follows from it."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator

from starlette.types import Scope

from oms.api.browser.site import CookieForm, header_values

CSRF_CONTEXT = b"oms-csrf-1"
_TEXT = re.compile(r"ses_[A-Za-z0-9_-]{43}")


def read_cookie(scope: Scope, name: str) -> str | None:
    """Return the session's text of that cookie; ``None`` without one.

    Two cookies of the same name with different texts count as none: one may be of another page.
    """
    texts = {text for key, text in _pairs(scope) if key == name}
    text = texts.pop() if len(texts) == 1 else ""
    return text if _TEXT.fullmatch(text) else None


def set_cookie(form: CookieForm, text: str) -> str:
    """Return the header ``Set-Cookie`` of a new session; it ends with the browser."""
    return f"{form.name}={text}{form.attributes}"


def empty_cookie(form: CookieForm) -> str:
    """Return the header ``Set-Cookie`` that deletes the cookie."""
    return f"{form.name}={form.attributes}; Max-Age=0"


def csrf_token(text: str) -> str:
    """Return the token of the session with this text; it is not stored."""
    digest = hmac.new(text.encode(), CSRF_CONTEXT, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _pairs(scope: Scope) -> Iterator[tuple[str, str]]:
    for line in header_values(scope, b"cookie"):
        for part in line.split(";"):
            name, _, text = part.strip().partition("=")
            yield name, text
