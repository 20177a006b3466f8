"""Requests to an ASGI application in this very process: no socket, no server."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True)
class AsgiResponse:
    """What an application answered; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; decimals are strings there, so floats lose nothing."""
        return json.loads(self.body)

    @property
    def detail(self) -> Any:
        """The error object."""
        return self.json()["detail"]


@dataclass(frozen=True, slots=True)
class AsgiClient:
    """Speaks to ``app`` with one key."""

    app: ASGIApp
    key: str = ""

    async def __call__(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        raw: bytes | Sequence[bytes] | None = None,
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> AsgiResponse:
        """One request; ``raw`` replaces ``body``, in as many pieces as it has."""
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        pieces = [data] if isinstance(data, bytes) else list(data)
        named = {"x-api-key": self.key if key is None else key} | (headers or {})
        sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in named.items()]
        if isinstance(data, bytes):
            sent.append((b"content-length", str(len(data)).encode()))
        parts = urlsplit(target)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "root_path": "",
            "query_string": parts.query.encode(),
            "headers": [pair for pair in sent if pair[1]],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        return await self._asked(scope, pieces)

    async def _asked(self, scope: dict[str, Any], pieces: list[bytes]) -> AsgiResponse:
        told: list[Message] = []
        waiting = iter(pieces)
        left = len(pieces)

        async def receive() -> Message:
            nonlocal left
            piece = next(waiting, None)
            if piece is None:
                await asyncio.Event().wait()  # the client stays, and says nothing more
            left -= 1
            return {"type": "http.request", "body": piece, "more_body": left > 0}

        async def send(message: Message) -> None:
            told.append(message)

        await self.app(scope, receive, send)
        start = told[0]
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return AsgiResponse(
            start["status"], headers, b"".join(m.get("body", b"") for m in told[1:])
        )

    async def get(self, target: str, **more: Any) -> Any:
        """The body of a GET that must succeed."""
        answer = await self("GET", target, **more)
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json()
