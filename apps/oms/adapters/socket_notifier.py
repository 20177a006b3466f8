"""The doorbell as a folder of Unix datagram sockets: one per listener, no server between them.

Whoever waits for a topic binds ``<topic>-<pid>-<random>.sock``; ringing is a non-blocking send to
every socket of the topic. A kernel lets only some ten rings wait at a socket: the ids of those that
find no room are told a moment later, together and without their words. A dead socket's file is
removed. Rings are hints (``ports.wakeup``): where the folder cannot be used, waiting just takes its
whole time.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from oms.ports.notifier import Topic

logger = logging.getLogger(__name__)

#: Ids and the text that tells them.
Datagram = tuple[Sequence[int], bytes]

SOCKET_PATH_MAX = 107
#: Of ``<topic>-<pid>-<random>.sock``.
SOCKET_NAME_MAX = 40
DATAGRAM_BYTES_MAX = 32_768
#: Of one id and its word; longer words are left out.
RESULT_BYTES_MAX = 1024
LISTING_CACHE_SECONDS = 1.0
#: Ids kept for a listener that does not listen; more are forgotten, which a hint may be.
IDS_KEPT_MAX = 100_000
RESEND_SECONDS = 0.005
#: A listener looks by itself once a second: what was not told until then need not be told.
RESEND_SECONDS_MAX = 1.0


@dataclass(slots=True)
class _Ear:
    """One listener's socket and what it has heard since it was last asked."""

    socket: socket.socket
    path: Path
    rung: asyncio.Event = field(default_factory=asyncio.Event)
    ids: dict[int, str] = field(default_factory=dict)

    def hear(self) -> None:
        """Take in everything that has arrived."""
        while True:
            try:
                text = self.socket.recv(DATAGRAM_BYTES_MAX)
            except (BlockingIOError, InterruptedError):
                break
            if len(self.ids) < IDS_KEPT_MAX:
                self.ids.update(_rung_in(text))
            self.rung.set()


@dataclass(slots=True)
class _Owed:
    """Ids for a socket that had no room, and until when they are worth telling."""

    ids: list[int]
    until: float


class SocketNotifier:
    """``ports.wakeup.Doorbell``. Each listener has an instance of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = resolve_socket_folder(folder)
        self._is_borrowed = self._folder != folder.absolute()
        self._ears: dict[Topic, _Ear] = {}
        self._known: dict[Topic, tuple[float, list[str]]] = {}
        self._owed: dict[str, _Owed] = {}
        self._closed = asyncio.Event()
        self._is_deaf = False
        self._out: socket.socket | None = None

    def notify(
        self, topic: Topic, ids: Collection[int] = (), results: Mapping[int, str] | None = None
    ) -> None:
        """Wake all who wait for ``topic``. Never blocks, never fails."""
        listeners = self._listeners(topic)
        if not listeners or self._closed.is_set():
            return
        if self._out is None:
            self._out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        datagrams = [*_datagrams(ids, results or {})]
        for path in listeners:
            if path in self._owed:
                self._owe(path, ids)
            else:
                self._owe(path, self._untold(self._out, path, datagrams))

    async def wait(self, topic: Topic, timeout_seconds: float) -> Mapping[int, str]:
        """The ids rung since the last call, after a ring or the time-out."""
        ear = self._ears.get(topic) or self._listen(topic)
        if ear is None:
            # One that is closed does not wake anybody again: that would be a busy loop.
            ends = asyncio.Event() if self._closed.is_set() else self._closed
            await self._sleep(ends, timeout_seconds)
            return {}
        await self._sleep(ear.rung, timeout_seconds)
        ear.rung.clear()
        ids, ear.ids = ear.ids, {}
        return ids

    async def close(self) -> None:
        """Stop listening; who waits now returns at once."""
        self._closed.set()
        self._owed.clear()
        loop = asyncio.get_running_loop()
        for ear in self._ears.values():
            loop.remove_reader(ear.socket.fileno())
            ear.socket.close()
            ear.path.unlink(missing_ok=True)
            ear.rung.set()
        self._ears.clear()
        if self._is_borrowed:
            with contextlib.suppress(OSError):  # others are still in it, or it never was
                self._folder.rmdir()
        if self._out is not None:
            self._out.close()
            self._out = None

    def _listen(self, topic: Topic) -> _Ear | None:
        if self._closed.is_set():
            return None
        name = f"{topic.value}-{os.getpid()}-{secrets.token_hex(4)}.sock"
        path = self._folder / name
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            listener.bind(str(path))
        except OSError as problem:
            listener.close()
            if not self._is_deaf:
                logger.warning("doorbell_unusable folder=%s problem=%s", self._folder, problem)
            self._is_deaf = True
            return None
        self._is_deaf = False
        ear = self._ears[topic] = _Ear(listener, path)
        asyncio.get_running_loop().add_reader(listener.fileno(), ear.hear)
        return ear

    def _listeners(self, topic: Topic) -> list[str]:
        now = time.monotonic()
        read_at, paths = self._known.get(topic, (-LISTING_CACHE_SECONDS, []))
        if now - read_at < LISTING_CACHE_SECONDS and paths:
            return paths
        prefix = f"{topic.value}-"
        try:
            names = os.listdir(self._folder)
        except OSError:
            names = []
        paths = [str(self._folder / name) for name in names if name.startswith(prefix)]
        self._known[topic] = (now, paths)
        return paths

    def _untold(
        self, out: socket.socket, path: str, datagrams: Sequence[Datagram]
    ) -> Sequence[int]:
        """Send them; the ids of those that found no room."""
        for number, (_, text) in enumerate(datagrams):
            try:
                out.sendto(text, path)
            except BlockingIOError:
                return [one for ids, _ in datagrams[number:] for one in ids]
            except (ConnectionRefusedError, FileNotFoundError):
                Path(path).unlink(missing_ok=True)
                self._known.clear()
                break
            except OSError as problem:
                logger.warning("doorbell_send_failed problem=%s", problem)
                break
        return ()

    def _owe(self, path: str, ids: Collection[int]) -> None:
        """Tell these ids when there is room; a ring without ids is in those that wait there."""
        if not ids:
            return
        owed = self._owed.get(path)
        if owed is None:
            owed = self._owed[path] = _Owed([], time.monotonic() + RESEND_SECONDS_MAX)
            asyncio.get_running_loop().call_later(RESEND_SECONDS, self._ring_again, path)
        if len(owed.ids) < IDS_KEPT_MAX:
            owed.ids.extend(ids)

    def _ring_again(self, path: str) -> None:
        owed = self._owed.pop(path, None)
        if owed is None or self._out is None:
            return
        untold = self._untold(self._out, path, [*_datagrams(owed.ids, {})])
        if untold and time.monotonic() < owed.until:
            self._owed[path] = _Owed([*untold], owed.until)
            asyncio.get_running_loop().call_later(RESEND_SECONDS, self._ring_again, path)

    @staticmethod
    async def _sleep(event: asyncio.Event, seconds: float) -> None:
        if event.is_set():
            return
        try:
            # `wait_for` would lose a cancellation that comes with the event.
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return


def resolve_socket_folder(folder: Path) -> Path:
    """``folder``, or one of the same name for all, where a socket's path would be too long."""
    absolute = folder.absolute()
    if len(os.fsencode(absolute)) + 1 + SOCKET_NAME_MAX <= SOCKET_PATH_MAX:
        return absolute
    name = hashlib.sha256(os.fsencode(absolute)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"oms-bell-{os.getuid()}-{name}"


def _datagrams(ids: Collection[int], results: Mapping[int, str]) -> Iterator[Datagram]:
    """A JSON list of ids and of pairs of an id and its word, in pieces; one piece at least."""
    told: list[int] = []
    parts: list[str] = []
    size = 0
    for one in ids:
        word = results.get(one)
        part = str(one) if word is None else json.dumps((one, word))
        if len(part) > RESULT_BYTES_MAX:
            part = str(one)
        size += len(part) + 1
        if size >= DATAGRAM_BYTES_MAX:
            yield told, f"[{','.join(parts)}]".encode()
            told, parts, size = [], [], len(part) + 1
        told.append(one)
        parts.append(part)
    yield told, f"[{','.join(parts)}]".encode()


def _rung_in(text: bytes) -> Mapping[int, str]:
    """The ids of a ring with their words; a ring that nobody here sent is one without ids."""
    try:
        rung = json.loads(text)
    except ValueError:
        return {}
    heard: dict[int, str] = {}
    for one in rung if isinstance(rung, list) else ():
        match one:
            case int():
                heard[one] = ""
            case [int(named), str(word)]:
                heard[named] = word
    return heard
