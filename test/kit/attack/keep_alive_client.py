"""A client that sends many requests over one connection, and parses every response as JSON."""

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Header = tuple[str, str | bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; ``text`` is its whole body."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def body(self) -> Any:
        """The parsed body; fails if it is not JSON."""
        return json.loads(self.text)

    @property
    def code(self) -> str | None:
        """The error code of a status of 400 or more, else ``None``."""
        if self.status < 400:
            return None
        detail = self.body["detail"]
        assert isinstance(detail["message"], str) and detail["request_id"], detail
        return str(detail["code"])


class KeepAliveClient:
    """One connection; it is opened again after the server closed it."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def send(
        self,
        method: str,
        target: str,
        *,
        key: str | None = None,
        body: object = None,
        raw: bytes | None = None,
        headers: Sequence[Header] = (),
    ) -> Answer:
        """Send one request; ``raw`` replaces ``body``."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        try:
            return self._send(method, target, key, data, headers)
        except (ConnectionError, http.client.BadStatusLine):
            self._connection.close()  # Closed by the server between two requests.
            return self._send(method, target, key, data, headers)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _send(
        self,
        method: str,
        target: str,
        key: str | None,
        data: bytes | None,
        headers: Sequence[Header],
    ) -> Answer:
        connection = self._connection
        connection.putrequest(method, target, skip_accept_encoding=True)
        if key is not None:
            connection.putheader("x-api-key", key)
        for name, value in headers:
            connection.putheader(name, value)
        if data is not None:
            connection.putheader("content-type", "application/json")
            connection.putheader("content-length", str(len(data)))
        connection.endheaders(data)
        with connection.getresponse() as response:
            text = response.read().decode("utf-8")
            named = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, text, named)
