"""How a browser reached this gateway: encrypted or not, under which host, from which machine.

It decides on the form of the session cookie and on the own origin. ``X-Forwarded-Proto`` is read
only if the peer is in the setting ``trusted_proxies``.
"""

import re
from ipaddress import ip_address

from starlette.types import Scope

from oms.api.client_ip import is_trusted_address
from oms.config import Settings
from oms.domain.errors import Forbidden
from oms.domain.value import value

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LOCAL_NAME = "localhost"


@value
class CookieForm:
    """Name and attributes of the session cookie."""

    name: str
    attributes: str


SECURE_COOKIE = CookieForm(
    name="__Host-oms_sid", attributes="; Path=/; Secure; HttpOnly; SameSite=Strict"
)


@value
class Site:
    """How a browser reached this gateway."""

    scheme: str
    #: Host name and port of the ``Host`` header; empty without exactly one valid header.
    host: str
    port: int
    #: Whether both the browser and the host that it named are this machine.
    is_local: bool

    @property
    def is_encrypted(self) -> bool:
        """Whether the browser's connection has TLS."""
        return self.scheme == "https"

    @property
    def origin(self) -> str | None:
        """The origin of this site; ``None`` if the request names no host."""
        if not self.host:
            return None
        is_default = self.port == _DEFAULT_PORTS[self.scheme]
        return f"{self.scheme}://{self.host}" + ("" if is_default else f":{self.port}")

    def cookie_form(self, settings: Settings) -> CookieForm:
        """Return the form of the cookie.

        Raises ``Forbidden`` (``session_needs_tls``) where a session would be readable on the way.
        """
        if self.is_encrypted:
            return SECURE_COOKIE
        if not self.is_local and not settings.ui.allow_plain_http:
            message = "browser sessions need HTTPS, or a browser on the gateway's own host"
            raise Forbidden(message, code="session_needs_tls")
        # Only pages of the public address are served: a browser has TLS up to a proxy of its own.
        is_public_encrypted = (settings.public_url or "").startswith("https://")
        return SECURE_COOKIE if is_public_encrypted else self.plain_cookie

    @property
    def plain_cookie(self) -> CookieForm:
        """The cookie over plain HTTP; browsers do not keep cookies apart by port."""
        return CookieForm(
            name=f"oms_sid_{self.port}", attributes="; Path=/; HttpOnly; SameSite=Strict"
        )


def read_site(scope: Scope, client: str, settings: Settings) -> Site:
    """Return the site of a request or WebSocket handshake of the client at this address."""
    scheme = "https" if _is_encrypted(scope, settings.trusted_proxies) else "http"
    found = _HOST.fullmatch(_only(scope, b"host").lower())
    name = found["name"] if found else ""
    port = int(found["port"]) if found and found["port"] else _DEFAULT_PORTS[scheme]
    return Site(
        scheme=scheme,
        host=name,
        port=port,
        is_local=_is_loopback(client) and _is_local_name(name),
    )


def own_origin(site: Site, settings: Settings) -> str | None:
    """Return the only origin whose pages may use sessions; ``None``: there is none.

    Pages of ``cors_origins`` use keys.
    """
    origin = settings.public_url or site.origin
    return None if origin in settings.cors_origins else origin


def header_values(scope: Scope, name: bytes) -> list[str]:
    """Return the values of all headers of that name."""
    return [text.decode("latin-1") for key, text in scope["headers"] if key == name]


def _only(scope: Scope, name: bytes) -> str:
    """Return the value of a header that is sent exactly once, else an empty text."""
    values = header_values(scope, name)
    return values[0].strip() if len(values) == 1 else ""


def _is_encrypted(scope: Scope, trusted: tuple[str, ...]) -> bool:
    if scope.get("scheme") in ("https", "wss"):
        return True
    peer: tuple[str, int] | None = scope.get("client")
    if peer is None or not is_trusted_address(peer[0], trusted):
        return False
    entries = ",".join(header_values(scope, b"x-forwarded-proto")).split(",")
    return {entry.strip().lower() for entry in entries} <= {"https", "wss"}


def _is_local_name(name: str) -> bool:
    is_localhost = name == _LOCAL_NAME or name.endswith(f".{_LOCAL_NAME}")
    return is_localhost or _is_loopback(name.strip("[]"))


def _is_loopback(text: str) -> bool:
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False
