"""A function in a process of its own, of low priority, that sends messages to its parent."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncGenerator, Callable
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from typing import Any

LOW_PRIORITY = 10
"""The ``nice`` value. Normal processes wake as soon as beside 19, but a tenth of a busy processor
is left instead of a hundredth (docs/performance.md).
"""
SILENCE_SECONDS_MAX = 1800.0
"""A process that sends nothing for so long is ended: it hangs."""

Send = Callable[[Any], None]
"""Sends a message to the parent process."""


class ChildEnded(Exception):
    """The process ended, or was ended, before its function returned; the text says how."""


async def messages_of(
    function: Callable[..., None], *arguments: Any, silence_seconds: float = SILENCE_SECONDS_MAX
) -> AsyncGenerator[Any, None]:
    """Yield what ``function(*arguments, send)`` sends from a process that is spawned for it.

    The process ends when the iterator is closed, when this process ends, and when it sends nothing
    for ``silence_seconds``. Function and arguments must be picklable. Raises ``ChildEnded``.
    """
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(sender, function, arguments))
    messages: asyncio.Queue[Any] = asyncio.Queue()
    reader = threading.Thread(
        target=_read, args=(receiver, asyncio.get_running_loop(), messages), daemon=True
    )
    try:
        await asyncio.to_thread(process.start)
        sender.close()
        reader.start()
        while (message := await _next(messages, silence_seconds)) is not _END:
            yield message
    finally:
        sender.close()
        if process.pid is not None:
            process.kill()
            await asyncio.to_thread(process.join)
        receiver.close()
    if process.exitcode != 0:
        raise ChildEnded(_how(process.exitcode))


def start_child() -> None:
    """Prepare a process that calculates for its parent, and ends when the parent does.

    An interrupt of the terminal is left to the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(LOW_PRIORITY)
    threading.Thread(target=_end_with_parent, daemon=True).start()


_END = object()


async def _next(messages: "asyncio.Queue[Any]", seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds):
            return await messages.get()
    except TimeoutError:
        raise ChildEnded(f"the process sent nothing for {seconds:g} s and was ended") from None


def _read(receiver: Connection, loop: asyncio.AbstractEventLoop, messages: Any) -> None:
    """Put what arrives into the queue, and ``_END`` after the last message."""
    message: Any = None
    while message is not _END:
        try:
            message = receiver.recv()
        except (EOFError, OSError):
            message = _END
        try:
            loop.call_soon_threadsafe(messages.put_nowait, message)
        except RuntimeError:  # the loop is closed
            return


def _run(sender: Connection, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    start_child()
    function(*arguments, sender.send)
    sender.close()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None, "it was started by multiprocessing"
    parent.join()
    os._exit(1)


def _how(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"the process ended with status {exit_code}"
    try:
        return f"the process was ended by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"the process was ended by signal {-exit_code}"
