"""Commands that write to the database notify the processes that cache what they changed."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from oms.adapters.socket_notifier import SocketNotifier
from oms.config import Settings
from oms.ports.notifier import Topic
from oms.services.access.change_notices import CHANGED

Run = Callable[..., Any]
SECONDS_MAX = 30.0


@contextmanager
def _listening(folder: Path, topic: Topic) -> Iterator["Future[Mapping[int, str]]"]:
    """The next notification of a topic; nothing if none comes."""
    is_listening = threading.Event()

    async def listen() -> Mapping[int, str]:
        notifier = SocketNotifier(folder)
        waiting = asyncio.create_task(notifier.wait(topic, SECONDS_MAX))
        await asyncio.sleep(0)  # It listens from its first step on.
        is_listening.set()
        try:
            return await waiting
        finally:
            await notifier.close()

    with ThreadPoolExecutor(1) as thread:
        received = thread.submit(asyncio.run, listen())
        assert is_listening.wait(SECONDS_MAX)
        yield received


@pytest.mark.parametrize("is_on", [True, False])
def test_workers_are_notified_of_a_kill_switch(
    run: Run, migrated: None, data_folder: Path, is_on: bool
) -> None:
    words = ("--scope=symbol", "--id=BTC/USDT", "--comment=test")
    if not is_on:
        run("kill", "on", *words)
    verb = ("kill", "on") if is_on else ("kill", "off", "--yes")
    with _listening(Settings(home=data_folder).notifier_socket_dir, Topic.SWITCHES) as received:
        assert run(*verb, *words)["through"] == "database"
        assert received.result() == {CHANGED: ""}


def test_all_processes_are_notified_of_a_key(run: Run, migrated: None, data_folder: Path) -> None:
    key_id = run("install", "--with-account")["api_key"]["id"]
    with _listening(Settings(home=data_folder).notifier_socket_dir, Topic.ACCESS) as received:
        run("set-api-key-status", f"--api-key-id={key_id}", "--disabled", "--comment=test")
        assert received.result() == {CHANGED: ""}


def test_a_switch_is_stored_although_nothing_can_be_notified(
    run: Run, migrated: None, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMS_REDIS_URL", "redis://127.0.0.1:1")
    (data_folder / "sockets").write_text("a file in place of the folder", encoding="utf-8")
    monkeypatch.setenv("OMS_NOTIFIER_DIR", str(data_folder / "sockets"))
    assert run("kill", "on", "--scope=symbol", "--id=X/USDT", "--comment=test")["kill_ids"] == [1]
