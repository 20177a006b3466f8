"""Pytest plugin: a phase of a test that takes too long fails, and says what it awaits.

The failure is raised in the main thread by a timer, whatever the test waits for, so that fixtures
are torn down and the worker goes on. What does not react to a signal ends its process later
(``faulthandler_timeout``).
"""

import asyncio
import signal
import sys
import threading
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import pytest

#: Seconds of each phase: ten times those of the longest one on an idle machine.
SECONDS_MAX = 1200.0
#: A failure that was caught, by a task or by a clean-up that hangs as well, is raised again.
AGAIN_SECONDS = 20.0
FRAMES_SHOWN = 12


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Limit the set-up."""
    with _limited(item, "set-up of "):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Limit the test."""
    with _limited(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Limit the tear-down."""
    with _limited(item, "tear-down of "):
        return (yield)


@contextmanager
def _limited(item: pytest.Item, phase: str = "") -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # it gets no signal
        yield
        return

    def fail(_: int, __: FrameType | None) -> NoReturn:
        waiting = "".join([*_tasks(), *_threads()])
        pytest.fail(f"{phase}{item.nodeid} takes longer than {SECONDS_MAX:g} s\n{waiting}")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, SECONDS_MAX, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _tasks() -> Iterator[str]:
    """What each task of the loop that runs in this thread awaits, the innermost call last."""
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:  # there is none
        return
    for task in sorted(tasks, key=lambda each: each.get_name()):
        yield f"{task.get_name()} awaits\n"
        for frame in _awaited_frames(task.get_coro()):
            code = frame.f_code
            yield f"  {code.co_filename}:{frame.f_lineno} {code.co_qualname}\n"


def _awaited_frames(awaited: Any) -> Iterator[FrameType]:
    """The frames of a coroutine or asynchronous generator and of what it awaits."""
    while awaited is not None:
        for kind in ("cr", "ag", "gi"):
            if hasattr(awaited, f"{kind}_frame"):
                break
        else:
            return
        frame = getattr(awaited, f"{kind}_frame")
        if frame is not None:
            yield frame
        awaited = getattr(awaited, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")


def _threads() -> Iterator[str]:
    """The stacks of the other threads."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames()
    frames.pop(threading.main_thread().ident or 0, None)
    for number, frame in frames.items():
        yield f"thread {names.get(number, number)}\n"
        yield from traceback.format_stack(frame)[-FRAMES_SHOWN:]
