"""A page in a browser: keeps the session cookie, sends the own origin and the token."""

from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

from kit.gateway.admin_client import PASSWORD
from kit.http.asgi_client import AsgiClient, AsgiResponse

HOST = "127.0.0.1:8000"


@dataclass
class Browser:
    """One browser with one page of ``host``; its client has no key."""

    client: AsgiClient
    host: str = HOST
    scheme: str = "http"
    cookies: dict[str, str] = field(default_factory=dict)
    csrf_token: str = ""

    @property
    def origin(self) -> str:
        """The origin of the page."""
        return f"{self.scheme}://{self.host}"

    @property
    def cookie(self) -> str:
        """The header ``Cookie``."""
        return "; ".join(f"{name}={text}" for name, text in self.cookies.items())

    @property
    def text(self) -> str:
        """The text of the session."""
        (text,) = self.cookies.values()
        return text

    def headers(self, method: str, **more: str | None) -> dict[str, str]:
        """The headers of a request of the page; ``None`` leaves one out."""
        sent: dict[str, str | None] = {
            "host": self.host,
            "cookie": self.cookie,
            "sec-fetch-site": "same-origin",
        }
        if method not in ("GET", "HEAD"):
            sent |= {
                "origin": self.origin,
                "content-type": "application/json",
                "x-csrf-token": self.csrf_token,
            }
        sent |= {name.replace("_", "-"): text for name, text in more.items()}
        return {name: text for name, text in sent.items() if text}

    def handshake(self, **more: str | None) -> dict[str, str]:
        """The headers of a WebSocket handshake of the page; ``None`` leaves one out."""
        sent = {"host": self.host, "origin": self.origin, "cookie": self.cookie} | more
        return {name: text for name, text in sent.items() if text}

    async def __call__(
        self, method: str, target: str, body: object = None, **headers: str | None
    ) -> AsgiResponse:
        """A request of the page; cookies of the response are kept."""
        answer = await self.client(
            method, target, body, key="", headers=self.headers(method, **headers)
        )
        for name, morsel in SimpleCookie(answer.headers.get("set-cookie", "")).items():
            self.cookies.pop(name, None)
            if morsel["max-age"] != "0":
                self.cookies[name] = morsel.value
        return answer

    async def login(self, name: str = "ann", password: str = PASSWORD, **more: object) -> Any:
        """Logs in by password; returns the body of the response, which must be 200."""
        return await self.start(
            {"mode": "password", "user_name": name, "password": password, **more}
        )

    async def start(self, body: object) -> Any:
        """Logs in; returns the body of the response, which must be 200."""
        answer = await self("POST", "/auth/session", body)
        assert answer.status == 200, answer.body
        self.csrf_token = answer.json()["csrf_token"]
        return answer.json()

    async def confirm(self, password: str = PASSWORD) -> None:
        """Confirms the identity of a session by password."""
        answer = await self("POST", "/auth/session/confirm", {"password": password})
        assert answer.status == 200, answer.body
