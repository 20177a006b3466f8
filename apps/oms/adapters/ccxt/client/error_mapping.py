"""Turns every exception of a ccxt call into a ``RequestError``."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from oms.adapters.ccxt.client.http_session import CallContext, DuplicateSend
from oms.adapters.ccxt.client.request_errors import MissingOrderId, RequestError, classify_error

#: Writes whose reply must have an order id: without it the outcome is unknown.
_METHODS_WITH_ID = ("create_order", "edit_order")


class ErrorMapping:
    """A context manager around a ccxt call: its failure is raised as a ``RequestError``.

    Bugs and cancellations pass through.
    """

    def __init__(
        self, venue: str, call: CallContext, *, is_write: bool, secrets: Sequence[str]
    ) -> None:
        self._venue = venue
        self._call = call
        self._is_write = is_write
        self._secrets = secrets

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        passed_through = (
            RequestError,
            DuplicateSend,
            asyncio.CancelledError,
            KeyboardInterrupt,
            SystemExit,
        )
        if error is None or isinstance(error, passed_through):
            return
        # Not "from error": its message has the signed URL.
        raise classify_error(
            error,
            headers_sent=bool(self._call.headers_sent),
            venue=self._venue,
            is_write=self._is_write,
            reply=self._call.reply,
            secrets=self._secrets,
        ) from None


def check_write_reply(method: str, reply: Any) -> None:
    """Raises ``MissingOrderId`` for a reply that does not identify its order."""
    if not isinstance(reply, dict | list):
        raise MissingOrderId(f"{method} was answered by {type(reply).__name__}")
    if method in _METHODS_WITH_ID:
        order = reply if isinstance(reply, dict) else {}
        if not isinstance(order.get("info"), dict | list) or not order.get("id"):
            raise MissingOrderId(f"{method} was answered without an id")
