"""The instrument that finds stalls: it counts what computes, and not what waits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.attack.stall_monitor import StallMonitor, beats_environment
from kit.free_ports import free_port

PROGRAM = """
import asyncio, sys, time

async def main():
    await asyncio.sleep(0.02)
    end = time.thread_time() + float(sys.argv[2])
    while time.thread_time() < end:
        pass
    time.sleep(float(sys.argv[3]))
    await asyncio.sleep(0.02)

with asyncio.Runner() as runner:
    runner.run(main())
"""


@pytest.mark.parametrize(("computes", "waits", "is_stall"), [(0.07, 0, True), (0, 0.07, False)])
def test_computing_of_the_api_is_a_stall(
    computes: float, waits: float, is_stall: bool, tmp_path: Path
) -> None:
    beats = tmp_path / "beats"
    _run("api", computes, waits, beats)
    lines = beats.read_text(encoding="ascii").splitlines()
    assert len(lines) == is_stall
    assert all(float(line.split()[1]) >= computes for line in lines)


def test_another_process_is_not_measured(tmp_path: Path) -> None:
    beats = tmp_path / "beats"
    _run("worker", 0.07, 0, beats)
    assert not beats.exists()


def test_a_loop_that_is_not_measured_is_no_loop_without_stalls(tmp_path: Path) -> None:
    monitor = StallMonitor(free_port(), tmp_path / "beats")
    with pytest.raises(AssertionError, match="not measured"):
        monitor.stop()


def _run(process: str, computes: float, waits: float, beats: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", PROGRAM, process, str(computes), str(waits)],
        env=os.environ | beats_environment(beats),
        check=True,
        timeout=60,
    )
