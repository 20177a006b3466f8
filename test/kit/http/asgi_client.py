"""Requests to an ASGI application in the same process, without a socket."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True)
class AsgiResponse:
    """A response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The parsed JSON body; decimals are strings."""
        return json.loads(self.body)

    @property
    def detail(self) -> Any:
        """The error object of the body."""
        return self.json()["detail"]


@dataclass(frozen=True, slots=True)
class AsgiClient:
    """Sends requests to ``app`` with one key."""

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
        """Sends one request; ``raw`` replaces ``body`` and may be several chunks."""
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        chunks = [data] if isinstance(data, bytes) else list(data)
        named = {"x-api-key": self.key if key is None else key} | (headers or {})
        raw_headers = [
            (name.lower().encode(), value.encode("latin-1")) for name, value in named.items()
        ]
        if isinstance(data, bytes):
            raw_headers.append((b"content-length", str(len(data)).encode()))
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
            "headers": [pair for pair in raw_headers if pair[1]],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        return await self._run(scope, chunks)

    async def _run(self, scope: dict[str, Any], chunks: list[bytes]) -> AsgiResponse:
        sent_messages: list[Message] = []
        chunk_iterator = iter(chunks)
        remaining = len(chunks)

        async def receive() -> Message:
            nonlocal remaining
            chunk = next(chunk_iterator, None)
            if chunk is None:
                await asyncio.Event().wait()  # the client stays connected and silent
            remaining -= 1
            return {"type": "http.request", "body": chunk, "more_body": remaining > 0}

        async def send(message: Message) -> None:
            sent_messages.append(message)

        await self.app(scope, receive, send)
        start = sent_messages[0]
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return AsgiResponse(
            start["status"], headers, b"".join(m.get("body", b"") for m in sent_messages[1:])
        )

    async def get(self, target: str, **more: Any) -> Any:
        """Returns the body of a GET, which must have status 200."""
        answer = await self("GET", target, **more)
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json()
