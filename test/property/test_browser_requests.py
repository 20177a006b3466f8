"""Requests with a session cookie: none with a changed header is served.

The rules are stated here once more, over the list of headers as it was sent.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from oms.api.browser.cookie import csrf_token, read_cookie
from oms.api.browser.csrf import CsrfFailed, refuse_foreign_page, refuse_wrong_token
from oms.api.browser.site import own_origin, read_site
from oms.config import Settings

HOST = "oms.example.com"
ORIGIN = f"https://{HOST}"
TEXT = "ses_" + "k" * 43
TOKEN = (
    base64.urlsafe_b64encode(hmac.digest(TEXT.encode(), b"oms-csrf-1", hashlib.sha256))
    .decode()
    .rstrip("=")
)
EXAMPLES = 600
Headers = tuple[tuple[str, str], ...]

VALID: Headers = (
    ("host", HOST),
    ("cookie", f"a=b; __Host-oms_sid={TEXT}"),
    ("sec-fetch-site", "same-origin"),
    ("origin", ORIGIN),
    ("content-length", "2"),
    ("content-type", "application/json"),
    ("x-csrf-token", TOKEN),
)
CHANGED = {
    "host": ("evil.example", f"{HOST}:8443", "", f"{HOST}, evil.example", f"a@{HOST}"),
    "cookie": ("", "a=b", f"oms_sid_443={TEXT}", f"__Host-oms_sid={TEXT}x", f"x={TEXT}"),
    "sec-fetch-site": ("cross-site", "same-site", "none", "", "same-origin, none"),
    "origin": (
        *("null", "", "https://evil.example", f"http://{HOST}", f"{ORIGIN}:8443", f"{ORIGIN}/"),
        *(f"{ORIGIN}.evil.example", ORIGIN.upper(), f" {ORIGIN}x", f"https://x.{HOST}"),
    ),
    "content-length": ("0", "7"),
    "content-type": (
        *("text/plain", "", "application/x-www-form-urlencoded", "application/jsonp"),
        *("multipart/form-data; boundary=x", "application/json; charset=utf-8"),
    ),
    "x-csrf-token": ("", TOKEN[:-1], TOKEN + "=", TOKEN.lower(), csrf_token("ses_" + "x" * 43)),
}


def _changes() -> st.SearchStrategy[tuple[str, str, str]]:
    """A header, what is done to it, and its other value."""
    return st.one_of(
        [
            st.tuples(
                st.just(name),
                st.sampled_from(("removed", "replaced", "added")),
                st.sampled_from(others) | st.text(st.characters(max_codepoint=255), max_size=20),
            )
            for name, others in CHANGED.items()
        ]
    )


def _apply(headers: Headers, changes: Sequence[tuple[str, str, str]]) -> Headers:
    for name, action, text in changes:
        kept = tuple(pair for pair in headers if pair[0] != name)
        match action:
            case "removed":
                headers = kept
            case "replaced":
                headers = (*kept, (name, text))
            case _:
                headers = (*headers, (name, text))
    return headers


def _is_allowed(method: str, headers: Headers, public_url: str | None) -> bool:
    """The rules of the documentation."""
    sent: dict[str, list[str]] = {name: [] for name, _ in VALID}
    for name, text in headers:
        sent[name].append(text)
    pairs = [p.strip().partition("=") for line in sent["cookie"] for p in line.split(";")]
    texts = {text for name, _, text in pairs if name == "__Host-oms_sid"}
    if texts != {TEXT}:
        return False
    is_own_host = [text.strip().lower() for text in sent["host"]] in ([HOST], [f"{HOST}:443"])
    own = [ORIGIN] if is_own_host or public_url else None
    if method == "GET":
        is_own_page = sent["sec-fetch-site"] in ([], ["same-origin"], ["none"])
        return is_own_page and (sent["origin"] == [] or sent["origin"] == own)
    types = [text.split(";")[0].strip().lower() for text in sent["content-type"]]
    has_body = any(text.strip() != "0" for text in sent["content-length"])
    return (
        sent["sec-fetch-site"] in ([], ["same-origin"])
        and sent["origin"] == own
        and (not has_body or types == ["application/json"])
        and sent["x-csrf-token"] == [TOKEN]
    )


def _is_served(method: str, headers: Headers, public_url: str | None = None) -> bool:
    gateway = Settings(public_url=public_url)
    scope = {
        "type": "http",
        "method": method,
        "scheme": "https",
        "client": ("203.0.113.9", 1),
        "headers": [(name.encode(), text.encode("latin-1")) for name, text in headers],
    }
    site = read_site(scope, "203.0.113.9", gateway)
    text = read_cookie(scope, site.cookie_form(gateway).name)
    if text != TEXT:
        return False
    try:
        refuse_foreign_page(scope, own_origin(site, gateway))
        refuse_wrong_token(scope, text)
    except CsrfFailed:
        return False
    return True


def test_the_page_itself_is_served() -> None:
    assert csrf_token(TEXT) == TOKEN
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert _is_served(method, VALID)


def test_every_single_change_is_judged_by_the_rules() -> None:
    for method in ("GET", "POST", "DELETE"):
        for name, others in CHANGED.items():
            for action in ("removed", "replaced", "added"):
                for text in others:
                    changed = _apply(VALID, [(name, action, text)])
                    allowed = _is_allowed(method, changed, None)
                    assert _is_served(method, changed) is allowed, (method, name, action, text)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(("GET", "POST")), st.lists(_changes(), min_size=1, max_size=4))
@example("POST", [("origin", "removed", ""), ("sec-fetch-site", "removed", "")])
def test_changed_headers_get_in_only_by_the_rules(
    method: str, changes: list[tuple[str, str, str]]
) -> None:
    changed = _apply(VALID, changes)
    assert _is_served(method, changed, ORIGIN) is _is_allowed(method, changed, ORIGIN)
