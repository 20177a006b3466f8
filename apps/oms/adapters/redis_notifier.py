"""Notifications between hosts over Redis or Valkey, beside the sockets between processes of a host.

A notification goes to the local sockets and, in the background, to a Redis channel of its topic.
Messages name their origin, so that processes that share a folder of sockets skip each other's: they
had them already. Notifications are hints (``ports.notifier``): while Redis is unreachable messages
are dropped and listeners poll.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from oms.adapters.socket_notifier import SocketNotifier, decode_datagram, encode_datagrams
from oms.ports.notifier import Topic
from oms.task_cancellation import cancel_all

logger = logging.getLogger(__name__)

CHANNEL_PREFIX = "oms:"
#: Messages that wait for Redis; older ones are dropped, as notifications are hints.
WAITING_MESSAGES_MAX = 1000
MESSAGES_PER_REQUEST_MAX = 100
RECONNECT_SECONDS = 0.5
TIMEOUT_SECONDS = 2.0
CLOSE_SECONDS_MAX = 0.2
#: A connection without a message for this long is checked by a ping.
PING_SECONDS = 5.0
BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


class RedisNotifier:
    """``ports.notifier.Notifier`` over ``local`` and the Redis server at ``url``.

    ``prefix`` names the installation: gateways that share a server do not notify each other.
    """

    def __init__(self, local: SocketNotifier, url: str, *, prefix: str, origin: str) -> None:
        self._local = local
        self._redis: Redis = Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )
        self._prefix = f"{CHANNEL_PREFIX}{prefix}:"
        self._origin = origin.encode()
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=WAITING_MESSAGES_MAX)
        self._has_waiting = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        #: Tasks whose connection failed last; a failure is logged once.
        self._failing: set[str] = set()
        self._is_closed = False
        self._is_listening = True

    def notify(
        self, topic: Topic, ids: Collection[int] = (), results: Mapping[int, str] | None = None
    ) -> None:
        """Notify all listeners of ``topic`` on all hosts. Never blocks and never raises."""
        self._local.notify(topic, ids, results)
        if self._is_closed:
            return
        channel = self._prefix + topic.value
        for _, datagram in encode_datagrams(ids, results or {}):
            self._waiting.append((channel, self._origin + b"\n" + datagram))
        self._has_waiting.set()
        self._run("publish", self._publish)

    async def wait(self, topic: Topic, timeout_seconds: float) -> Mapping[int, str]:
        """Wait for a notification or the timeout; returns ids (and results) since the last call."""
        if self._is_listening:
            self._run(topic.value, lambda: self._listen(topic))
        return await self._local.wait(topic, timeout_seconds)

    async def stop_listening(self) -> None:
        """Let pending waits return immediately; notifications can still be sent."""
        self._is_listening = False
        await self._local.stop_listening()

    async def close(self) -> None:
        """Stop listening, and publish what waits, if the server answers soon."""
        self._is_listening = False
        self._is_closed = True
        await self._local.close()
        if self._waiting:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS_MAX):
                    await self._publish_waiting()
        tasks, self._tasks = [*self._tasks.values()], {}
        await cancel_all(tasks)
        with contextlib.suppress(RedisError, OSError):  # the server may be gone
            await self._redis.aclose()

    def _run(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Start the task ``name`` unless it runs; it repeats ``work`` after failures."""
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._repeat(name, work), name=f"redis-{name}")

    async def _repeat(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Repeat ``work`` until cancelled; a failure of the connection is logged once."""
        while True:
            try:
                await work()
            except (RedisError, OSError, TimeoutError) as error:
                if name not in self._failing:
                    logger.warning("redis_unreachable task=%s error=%s", name, error)
                self._failing.add(name)
                await asyncio.sleep(RECONNECT_SECONDS)

    def _connected(self, name: str) -> None:
        """Note that the connection of a task works."""
        if name in self._failing:
            self._failing.discard(name)
            logger.info("redis_reachable task=%s", name)

    async def _publish(self) -> None:
        """Publish waiting messages, as many as there are in one request."""
        await self._has_waiting.wait()
        self._has_waiting.clear()
        await self._publish_waiting()

    async def _publish_waiting(self) -> None:
        while self._waiting:
            pipeline = self._redis.pipeline(transaction=False)
            for _ in range(min(len(self._waiting), MESSAGES_PER_REQUEST_MAX)):
                pipeline.publish(*self._waiting.popleft())
            await pipeline.execute()
            self._connected("publish")

    async def _listen(self, topic: Topic) -> None:
        """Pass on the messages of a topic that come from other hosts."""
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(self._prefix + topic.value)
            self._connected(topic.value)
            # What was sent while this connection was down is lost: the caller looks for itself.
            self._local.deliver(topic, {})
            while True:
                await self._receive(pubsub, topic)

    async def _receive(self, pubsub: PubSub, topic: Topic) -> None:
        """Pass on the next message; after some seconds without one, check the connection.

        Raises ``TimeoutError`` if the server does not answer.
        """
        message = await pubsub.get_message(timeout=PING_SECONDS)
        if message is None:
            await pubsub.ping()
            message = await pubsub.get_message(timeout=TIMEOUT_SECONDS)
        if message is None:
            raise TimeoutError("no answer to a ping")
        origin, _, datagram = bytes(message["data"]).partition(b"\n")
        if message["type"] == "message" and origin != self._origin:
            self._local.deliver(topic, decode_datagram(datagram))


def socket_origin(folder: Path) -> str:
    """Return a name that exactly the processes have which share this folder of sockets.

    It is made of the machine's boot and of the folder itself: containers of one machine have
    folders of their own. Creates the folder; raises ``OSError``.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status, boot = folder.stat(), BOOT_ID_FILE.read_text().strip()
    name = f"{boot}:{status.st_dev}:{status.st_ino}"
    return hashlib.sha256(name.encode()).hexdigest()[:16]
