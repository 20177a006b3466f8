"""Notifications over Unix datagram sockets in a folder: one socket per listener, no server.

A listener of a topic binds ``<topic>-<pid>-<random>.sock``; a notification is a non-blocking send
to every socket of the topic. The kernel queues only about ten datagrams per socket: ids that find a
full queue are sent again shortly after, combined and without their results. The file of a dead
socket is removed. Notifications are hints (``ports.notifier``): if the folder is unusable, ``wait``
returns at its timeout.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as json_string
from pathlib import Path

from oms.ports.notifier import Topic
from oms.wire.json import NotJson, loads_fast

logger = logging.getLogger(__name__)

#: Ids and the encoded datagram that contains them.
Datagram = tuple[Sequence[int], bytes]

SOCKET_PATH_MAX = 107
#: Length of ``<topic>-<pid>-<random>.sock``.
SOCKET_NAME_MAX = 40
DATAGRAM_BYTES_MAX = 32_768
#: Size of one id with its result; longer results are dropped.
RESULT_BYTES_MAX = 1024
LISTING_CACHE_SECONDS = 1.0
#: Ids kept for a listener that does not read; more are dropped, as notifications are hints.
IDS_KEPT_MAX = 100_000
RESEND_SECONDS = 0.005
#: Listeners poll once a second, so ids are not sent again after that time.
RESEND_SECONDS_MAX = 1.0


@dataclass(slots=True)
class _Subscription:
    """One listener: its socket, and the ids received since its last ``wait``."""

    socket: socket.socket
    path: Path
    notified: asyncio.Event = field(default_factory=asyncio.Event)
    ids: dict[int, str] = field(default_factory=dict)

    def receive(self) -> None:
        """Read all datagrams that have arrived."""
        while True:
            try:
                text = self.socket.recv(DATAGRAM_BYTES_MAX)
            except (BlockingIOError, InterruptedError):
                break
            self.add(decode_datagram(text))

    def add(self, ids: Mapping[int, str]) -> None:
        """Add received ids, and let the waiter return."""
        if len(self.ids) < IDS_KEPT_MAX:
            self.ids.update(ids)
        self.notified.set()

    async def take(self, timeout_seconds: float) -> Mapping[int, str]:
        """Return the ids received since the last call, after a notification or the timeout."""
        if not self.notified.is_set():
            # Much cheaper than `asyncio.timeout`: there is one call for each notification.
            timer = asyncio.get_running_loop().call_later(timeout_seconds, self.notified.set)
            try:
                await self.notified.wait()
            finally:
                timer.cancel()
        self.notified.clear()
        ids, self.ids = self.ids, {}
        return ids


@dataclass(slots=True)
class _Unsent:
    """Ids for a socket with a full queue, and the time at which they expire."""

    ids: list[int]
    until: float


class SocketNotifier:
    """``ports.notifier.Notifier``; each listener uses its own instance."""

    def __init__(self, folder: Path) -> None:
        self._folder = resolve_socket_folder(folder)
        self._is_fallback_folder = self._folder != folder.absolute()
        self._subscriptions: dict[Topic, _Subscription] = {}
        self._listings: dict[Topic, tuple[float, list[str]]] = {}
        self._unsent: dict[str, _Unsent] = {}
        #: Nothing is listened to any more.
        self._closed = asyncio.Event()
        self._is_closed = False
        self._has_failed = False
        self._out: socket.socket | None = None

    def notify(
        self, topic: Topic, ids: Collection[int] = (), results: Mapping[int, str] | None = None
    ) -> None:
        """Notify all listeners of ``topic``. Never blocks and never raises."""
        listeners = self._listeners(topic)
        if not listeners or self._is_closed:
            return
        if self._out is None:
            self._out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        datagrams = [*encode_datagrams(ids, results or {})]
        for path in listeners:
            if path in self._unsent:
                self._resend_later(path, ids)
            else:
                self._resend_later(path, self._send(self._out, path, datagrams))

    async def wait(self, topic: Topic, timeout_seconds: float) -> Mapping[int, str]:
        """Wait for a notification or the timeout; returns ids (and results) since the last call."""
        subscription = self._subscriptions.get(topic) or self._listen(topic)
        if subscription is None:
            # After ``close`` the wait takes its whole timeout, to avoid a busy loop.
            end_event = asyncio.Event() if self._closed.is_set() else self._closed
            # `wait_for` would lose a cancellation that comes with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await end_event.wait()
            return {}
        return await subscription.take(timeout_seconds)

    def deliver(self, topic: Topic, ids: Mapping[int, str]) -> None:
        """Add ids and results that another channel received, for the next ``wait``."""
        subscription = self._subscriptions.get(topic)
        if subscription is not None:
            subscription.add(ids)

    async def stop_listening(self) -> None:
        """Let pending waits return immediately; notifications can still be sent."""
        self._closed.set()
        loop = asyncio.get_running_loop()
        for subscription in self._subscriptions.values():
            loop.remove_reader(subscription.socket.fileno())
            subscription.socket.close()
            subscription.path.unlink(missing_ok=True)
            subscription.notified.set()
        self._subscriptions.clear()

    async def close(self) -> None:
        """Stop listening; pending waits return immediately."""
        await self.stop_listening()
        self._is_closed = True
        self._unsent.clear()
        if self._is_fallback_folder:
            with contextlib.suppress(OSError):  # in use by others, or never created
                self._folder.rmdir()
        if self._out is not None:
            self._out.close()
            self._out = None

    def _listen(self, topic: Topic) -> _Subscription | None:
        if self._closed.is_set():
            return None
        name = f"{topic.value}-{os.getpid()}-{secrets.token_hex(4)}.sock"
        path = self._folder / name
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            listener.bind(str(path))
        except OSError as error:
            listener.close()
            if not self._has_failed:
                logger.warning("notifier_unusable folder=%s error=%s", self._folder, error)
            self._has_failed = True
            return None
        self._has_failed = False
        subscription = self._subscriptions[topic] = _Subscription(listener, path)
        asyncio.get_running_loop().add_reader(listener.fileno(), subscription.receive)
        return subscription

    def _listeners(self, topic: Topic) -> list[str]:
        now = time.monotonic()
        read_at, paths = self._listings.get(topic, (-LISTING_CACHE_SECONDS, []))
        if now - read_at < LISTING_CACHE_SECONDS and paths:
            return paths
        prefix = f"{topic.value}-"
        try:
            names = os.listdir(self._folder)
        except OSError:
            names = []
        paths = [str(self._folder / name) for name in names if name.startswith(prefix)]
        self._listings[topic] = (now, paths)
        return paths

    def _send(self, out: socket.socket, path: str, datagrams: Sequence[Datagram]) -> Sequence[int]:
        """Send the datagrams; returns the ids that found a full queue."""
        for number, (_, text) in enumerate(datagrams):
            try:
                out.sendto(text, path)
            except BlockingIOError:
                return [one for ids, _ in datagrams[number:] for one in ids]
            except (ConnectionRefusedError, FileNotFoundError):
                Path(path).unlink(missing_ok=True)
                self._listings.clear()
                break
            except OSError as error:
                logger.warning("notifier_send_failed error=%s", error)
                break
        return ()

    def _resend_later(self, path: str, ids: Collection[int]) -> None:
        """Schedule these ids; a notification without ids is covered by the queued datagrams."""
        if not ids:
            return
        unsent = self._unsent.get(path)
        if unsent is None:
            unsent = self._unsent[path] = _Unsent([], time.monotonic() + RESEND_SECONDS_MAX)
            asyncio.get_running_loop().call_later(RESEND_SECONDS, self._resend, path)
        if len(unsent.ids) < IDS_KEPT_MAX:
            unsent.ids.extend(ids)

    def _resend(self, path: str) -> None:
        unsent = self._unsent.pop(path, None)
        if unsent is None or self._out is None:
            return
        unsent_ids = self._send(self._out, path, [*encode_datagrams(unsent.ids, {})])
        if unsent_ids and time.monotonic() < unsent.until:
            self._unsent[path] = _Unsent([*unsent_ids], unsent.until)
            asyncio.get_running_loop().call_later(RESEND_SECONDS, self._resend, path)


def resolve_socket_folder(folder: Path) -> Path:
    """Return ``folder``, or a short folder derived from it if socket paths would be too long."""
    absolute = folder.absolute()
    if len(os.fsencode(absolute)) + 1 + SOCKET_NAME_MAX <= SOCKET_PATH_MAX:
        return absolute
    name = hashlib.sha256(os.fsencode(absolute)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"oms-notify-{os.getuid()}-{name}"


def encode_datagrams(ids: Collection[int], results: Mapping[int, str]) -> Iterator[Datagram]:
    """Yield JSON lists of ids and (id, result) pairs that fit into a datagram; at least one."""
    datagram_ids: list[int] = []
    parts: list[str] = []
    size = 0
    for one in ids:
        result = results.get(one)
        part = str(one) if result is None else f"[{one},{json_string(result)}]"
        if len(part) > RESULT_BYTES_MAX:
            part = str(one)
        size += len(part) + 1
        if size >= DATAGRAM_BYTES_MAX:
            yield datagram_ids, f"[{','.join(parts)}]".encode()
            datagram_ids, parts, size = [], [], len(part) + 1
        datagram_ids.append(one)
        parts.append(part)
    yield datagram_ids, f"[{','.join(parts)}]".encode()


def decode_datagram(text: bytes) -> Mapping[int, str]:
    """Return ids with their results; an unknown datagram counts as one without ids."""
    try:
        message = loads_fast(text)
    except NotJson:
        return {}
    received: dict[int, str] = {}
    for item in message if isinstance(message, list) else ():
        match item:
            case int():
                received[item] = ""
            case [int(command_id), str(result)]:
                received[command_id] = result
    return received
