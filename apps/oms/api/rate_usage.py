"""Rate limits of keys across API processes: each sends the others what it charged.

Several times a second a process sends the tokens that its callers used, and debits its own buckets
for those of the others. A key that uses all processes at once can exceed its limit by what it sends
in one interval; while no notification arrives, each process limits it alone.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oms.api.rate_limits import BucketKey, RateLimiter, RateLimitKind
from oms.ports.notifier import Notifier, Topic
from oms.wire.json import NotJson, dumps_fast, loads_fast

logger = logging.getLogger(__name__)

SEND_SECONDS = 0.2
WAIT_SECONDS = 60.0
MESSAGE_ID_BITS = 53
#: A message has to fit into a text that no notifier drops.
BUCKETS_PER_MESSAGE_MAX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RateUsageExchange:
    """Sends and receives the usage of rate limits; ``run`` must be running."""

    notifier: Notifier
    limiter: RateLimiter
    #: Names this process in its messages, which come back to it.
    process: str = field(default_factory=lambda: secrets.token_hex(4))

    async def run(self) -> None:
        """Send and receive until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send(), name="rate-usage-send")
            tasks.create_task(self._receive(), name="rate-usage-receive")

    async def _send(self) -> None:
        while True:
            await asyncio.sleep(SEND_SECONDS)
            usage = [*self.limiter.take_usage().items()]
            texts = {
                secrets.randbits(MESSAGE_ID_BITS): self._message(
                    usage[start : start + BUCKETS_PER_MESSAGE_MAX]
                )
                for start in range(0, len(usage), BUCKETS_PER_MESSAGE_MAX)
            }
            if texts:
                self.notifier.notify(Topic.USAGE, texts, texts)

    async def _receive(self) -> None:
        while True:
            texts = await self.notifier.wait(Topic.USAGE, WAIT_SECONDS)
            for text in texts.values():
                self.limiter.debit(self._decode(text))

    def _message(self, usage: Sequence[tuple[BucketKey, int]]) -> str:
        """Return the JSON text ``[process, [[api_key_id, kind, tokens], ...]]``."""
        return dumps_fast([self.process, [[*key, tokens] for key, tokens in usage]])

    def _decode(self, text: str) -> Mapping[BucketKey, int]:
        """Return the usage of another process; none if the text is this one's, or unreadable."""
        try:
            process, buckets = loads_fast(text)
            usage = {(int(key), RateLimitKind(kind)): int(count) for key, kind, count in buckets}
        except (NotJson, TypeError, ValueError) as error:
            logger.warning("rate_usage_unreadable error=%s", error)
            return {}
        return {} if process == self.process else usage
