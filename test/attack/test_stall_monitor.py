"""The instrument that finds stalls: it counts what computes, and not what waits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.attack.stall_monitor import beats_environment

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


@pytest.mark.parametrize(
    ("process", "computes", "waits", "is_stall"),
    [("api", 0.07, 0, True), ("api", 0, 0.07, False), ("worker", 0.07, 0, False)],
)
def test_computing_of_the_api_is_a_stall(
    process: str, computes: float, waits: float, is_stall: bool, tmp_path: Path
) -> None:
    beats = tmp_path / "beats"
    subprocess.run(
        [sys.executable, "-c", PROGRAM, process, str(computes), str(waits)],
        env=os.environ | beats_environment(beats),
        check=True,
        timeout=60,
    )
    assert beats.exists() is is_stall
    if is_stall:
        (line,) = beats.read_text(encoding="ascii").splitlines()
        assert float(line.split()[1]) >= computes
