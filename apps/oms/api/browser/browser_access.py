"""The caller of a request that has a session cookie and no header with a credential."""

from dataclasses import dataclass

from starlette.types import Scope

from oms.api.browser.cookie import read_cookie
from oms.api.browser.csrf import (
    READING_METHODS,
    CsrfFailed,
    refuse_foreign_page,
    refuse_wrong_token,
)
from oms.api.browser.site import (
    SECURE_COOKIE,
    CookieForm,
    header_values,
    own_origin,
    read_site,
)
from oms.api.metrics.request_metrics import RequestMetrics
from oms.config import Settings
from oms.domain.access import Principal
from oms.domain.errors import Forbidden, Unauthenticated
from oms.domain.value import value
from oms.services.access.browser_sessions import BrowserSessions

SESSION_SCOPE_KEY = "oms.browser_session"
"""ASGI scope key of the ``BrowserCaller`` after the request was authenticated."""


@value
class BrowserCaller:
    """A session with its text, for the routes that need the token or another text."""

    text: str
    principal: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserAccess:
    """Authenticates requests by their cookie."""

    settings: Settings
    sessions: BrowserSessions
    request_metrics: RequestMetrics

    async def __call__(self, scope: Scope, ip: str) -> Principal:
        """Return the principal of the session; a request that changes something extends it.

        Raises ``Unauthenticated``, ``Forbidden`` (``csrf_failed``, ``session_needs_tls``),
        ``Unavailable``.
        """
        known: BrowserCaller | None = scope.get(SESSION_SCOPE_KEY)
        if known is not None:
            return known.principal
        site = read_site(scope, ip, self.settings)
        names = (SECURE_COOKIE.name, site.plain_cookie.name)
        if all(read_cookie(scope, name) is None for name in names):
            raise _no_credential()
        text = read_cookie(scope, site.cookie_form(self.settings).name)
        if text is None:
            raise _no_credential()
        principal = await self.sessions.authenticate.session(text, ip)
        try:
            refuse_foreign_page(scope, own_origin(site, self.settings))
            refuse_wrong_token(scope, text)
        except CsrfFailed as error:
            self.count(error)
            raise
        if scope["method"] not in READING_METHODS:
            principal = await self.sessions.extend(text, principal)
        scope[SESSION_SCOPE_KEY] = BrowserCaller(text=text, principal=principal)
        return principal

    def login_cookie(self, scope: Scope, ip: str) -> tuple[CookieForm, str | None]:
        """Return the form of a login's cookie, and the text of the one that it carried.

        Raises ``Forbidden`` (``csrf_failed``, ``session_needs_tls``).
        """
        site = read_site(scope, ip, self.settings)
        form = site.cookie_form(self.settings)
        try:
            refuse_foreign_page(scope, own_origin(site, self.settings))
        except CsrfFailed as error:
            self.count(error)
            raise
        return form, read_cookie(scope, form.name)

    def is_allowed_handshake(self, scope: Scope, ip: str) -> bool:
        """Return whether a page of this origin, if it has one, may open a WebSocket."""
        origins = header_values(scope, b"origin")
        own = own_origin(read_site(scope, ip, self.settings), self.settings)
        allowed = {*self.settings.cors_origins, own}
        return len(origins) < 2 and allowed.issuperset(origins)

    def handshake_session(self, scope: Scope, ip: str) -> str | None:
        """Return the session's text of a WebSocket handshake: a page of the own origin sent it."""
        site = read_site(scope, ip, self.settings)
        own = own_origin(site, self.settings)
        if header_values(scope, b"origin") != [own]:
            return None
        try:
            form = site.cookie_form(self.settings)
        except Forbidden:
            return None
        return read_cookie(scope, form.name)

    def cookie_form(self, scope: Scope, ip: str) -> CookieForm:
        """Return the form of the cookie. Raises ``Forbidden`` (``session_needs_tls``)."""
        return read_site(scope, ip, self.settings).cookie_form(self.settings)

    def count(self, error: CsrfFailed) -> None:
        """Count a request that may come from a foreign page."""
        self.request_metrics.csrf_refused[error.reason or ""] += 1


def _no_credential() -> Unauthenticated:
    return Unauthenticated("send an API key in the header x-api-key", code="missing_api_key")
