"""Webhooks: a POST of the message, signed, to public addresses only and without redirects.

A host is resolved once: the connection goes to the addresses that were checked. The session and
its library are loaded with the first message.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from oms.adapters.notifications.public_addresses import is_private_host, is_public
from oms.domain.notifications.delivery import ATTEMPT_SECONDS_MAX
from oms.domain.notifications.signature import sign_message
from oms.ports.runner.notifications import Message, SendError

if TYPE_CHECKING:
    import aiohttp

logger = logging.getLogger(__name__)

NOT_PUBLIC = "its address is not public"


class WebhookSender:
    """``ports.runner.notifications.Sender`` over HTTP."""

    def __init__(
        self, *, allow_private: bool, unix_seconds: Callable[[], float] = time.time
    ) -> None:
        self._allow_private = allow_private
        self._unix_seconds = unix_seconds

    async def send(self, url: str, secret: str | None, message: Message) -> None:
        """Send a message; 2xx is success. Raises ``SendError``."""
        import aiohttp

        host = urlsplit(url).hostname or ""
        if not self._allow_private and is_private_host(host):
            raise SendError(NOT_PUBLIC)
        body = message.body.encode()
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS_MAX):
                async with self._session() as session:
                    async with session.post(
                        url,
                        data=body,
                        headers=self._headers(secret, message, body),
                        allow_redirects=False,
                    ) as response:
                        status = response.status
        except TimeoutError:
            raise SendError(f"no answer within {ATTEMPT_SECONDS_MAX:g} s") from None
        except _NotPublicError:
            raise SendError(NOT_PUBLIC) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SendError(f"not reachable ({type(error).__name__})") from None
        if not 200 <= status < 300:
            raise SendError(f"answered with HTTP {status}")

    def _headers(self, secret: str | None, message: Message, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "oms-gateway",
            "X-OMS-Delivery": str(message.event_id),
            "X-OMS-Event": message.event,
        }
        if secret is not None:
            headers["X-OMS-Signature"] = sign_message(secret, int(self._unix_seconds()), body)
        return headers

    def _session(self) -> "aiohttp.ClientSession":
        """Return a session for one message: it keeps neither connections nor cookies."""
        import aiohttp

        resolver: Any = aiohttp.ThreadedResolver()
        if not self._allow_private:
            resolver = _PublicResolver(resolver)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )


class _NotPublicError(Exception):
    """A name has an address that is not public."""


class _PublicResolver:
    """Resolves names whose addresses are all public."""

    def __init__(self, resolver: Any) -> None:
        self._resolver = resolver

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
        """Return the addresses of a name. Raises ``_NotPublicError``, ``OSError``."""
        found = await self._resolver.resolve(host, port, family)
        if not all(is_public(each["host"]) for each in found):
            raise _NotPublicError
        return found

    async def close(self) -> None:
        """Close the resolver."""
        await self._resolver.close()
