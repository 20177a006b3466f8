"""A phase of a test that hangs fails with what it awaits, and the tests after it run."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HANGING = """
import asyncio
import threading

import pytest

from kit import deadlines

deadlines.SECONDS_MAX = deadlines.AGAIN_SECONDS = 0.5


async def wait_for_nothing():
    await asyncio.Event().wait()


@pytest.fixture
def hanging():
    yield
    threading.Event().wait()


def test_in_a_thread():
    thread = threading.Thread(target=threading.Event().wait, name="stuck", daemon=True)
    thread.start()
    thread.join()


async def test_in_a_coroutine():
    await wait_for_nothing()


async def test_in_a_task_that_stops_the_failure():
    try:
        await wait_for_nothing()
    finally:
        await wait_for_nothing()


def test_in_its_tear_down(hanging):
    pass


def test_that_passes():
    pass
"""


def test_a_phase_that_hangs_fails_with_what_it_awaits(tmp_path: Path) -> None:
    (tmp_path / "test_hanging.py").write_text(HANGING)
    plugins = ("kit.deadlines", "pytest_asyncio.plugin")
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", *(f"-p{name}" for name in plugins)),
            *("-q", "--asyncio-mode=auto", f"--rootdir={tmp_path}", str(tmp_path)),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "test"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "3 failed, 2 passed, 2 errors" in run.stdout, run.stdout + run.stderr
    for text in (
        "test_in_a_thread takes longer than 0.5 s",
        "thread stuck",
        "test_in_a_coroutine takes longer",
        " wait_for_nothing\n",
        "tear-down of test_hanging.py::test_in_its_tear_down takes longer",
    ):
        assert text in run.stdout, (text, run.stdout)
