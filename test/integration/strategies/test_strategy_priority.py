"""A decision that uses much processor time comes after everything else, until it returns."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import uvloop

from kit.polling import poll_until
from oms.adapters.strategy_code.strategy_process import (
    ChildProcess,
    ChildProcesses,
    ProcessOptions,
)
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.ports.research.strategy_process import StrategyStart
from oms.strategies.strategy import Bars, PositionSide

RULES = '''
"""Uses as many seconds of processor time as the close of a candle says."""

import threading
import time

from oms.strategies.catalog import StrategyDefinition


class Calculates:
    def __init__(self):
        threading.Thread(target=threading.Event().wait, daemon=True).start()

    def warmup(self):
        return {}

    def on_bar(self, bars, side):
        began = time.process_time()
        while time.process_time() - began < bars.base.close:
            pass
        return []


STRATEGIES = [
    StrategyDefinition(
        name="calculates", version="1", summary="", base=None, higher=(), parameters=(),
        build=lambda timeframe, parameters: Calculates(),
    )
]
'''
SHORT, LONG = Decimal("0.001"), Decimal(1)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[ChildProcess]:
    (tmp_path / "rules.py").write_text(RULES, encoding="utf-8")
    opened = await ChildProcesses(ProcessOptions(path=tmp_path, decision_seconds=120)).open()
    request = StrategyStart(name="calculates", timeframe=Timeframe("1h"), parameters={})
    await opened.start(request)
    yield opened
    await opened.close()


async def _decide(process: ChildProcess, close: Decimal) -> None:
    candle = Candle(
        open_time=datetime(2024, 1, 1, tzinfo=UTC),
        open=close,
        high=close,
        low=close,
        close=close,
        volume=None,
    )
    decided = await process.on_bars([Bars(base=candle, closed={})], PositionSide.FLAT)
    assert decided == [[]]


async def _decide_at_low_priority(process: ChildProcess) -> None:
    """Let it decide for long; all its threads must have the low priority before it has."""

    async def policies() -> set[int]:
        return _policies(process)

    deciding = asyncio.create_task(_decide(process, LONG))
    await poll_until(policies, lambda found: found == {os.SCHED_IDLE}, 60)
    assert not deciding.done()
    await deciding


def _policies(process: ChildProcess) -> set[int]:
    threads = os.listdir(f"/proc/{process.process_id}/task")
    assert len(threads) > 2, "with one of the strategy and one that watches the parent"
    return {os.sched_getscheduler(int(each)) for each in threads}


def _may_raise_priority() -> bool:
    """Return whether Linux lets this process set ``SCHED_OTHER`` again."""
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            os.sched_setscheduler(other.pid, os.SCHED_IDLE, os.sched_param(0))
            os.sched_setscheduler(other.pid, os.SCHED_OTHER, os.sched_param(0))
        except PermissionError:
            return False
        else:
            return True
        finally:
            other.kill()


async def test_everything_else_comes_before_a_long_decision_until_it_returns(
    process: ChildProcess,
) -> None:
    assert _policies(process) == {os.SCHED_OTHER}
    for _ in range(2):
        await _decide_at_low_priority(process)
        after = os.SCHED_OTHER if _may_raise_priority() else os.SCHED_IDLE
        assert _policies(process) == {after}


async def test_a_process_without_the_privilege_keeps_the_low_priority(
    process: ChildProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse_to_raise(thread: int, policy: int, terms: os.sched_param) -> None:
        if policy == os.SCHED_OTHER:
            raise PermissionError
        set_scheduler(thread, policy, terms)

    set_scheduler = os.sched_setscheduler
    monkeypatch.setattr(os, "sched_setscheduler", refuse_to_raise)
    for _ in range(2):
        await _decide_at_low_priority(process)
        assert _policies(process) == {os.SCHED_IDLE}
    line = f"child_priority_stays_low pid={process.process_id}"
    assert [record.getMessage() for record in caplog.records].count(line) == 1


async def test_short_decisions_keep_their_priority(process: ChildProcess) -> None:
    for _ in range(50):
        await _decide(process, SHORT)
        assert _policies(process) == {os.SCHED_OTHER}


def test_strategies_share_the_session_of_the_runner(tmp_path: Path) -> None:
    """Linux weighs priorities against each other within a session only."""

    async def ids() -> tuple[int, int, int]:
        opened = await ChildProcesses(ProcessOptions(path=tmp_path)).open()
        await opened.load_catalog()
        pid = opened.process_id
        found = (pid, os.getpgid(pid), os.getsid(pid))
        await opened.close()
        return found

    # The loop of the runner's process.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        pid, group, session = runner.run(ids())
    assert (group, session) == (pid, os.getsid(0))


async def test_a_process_that_is_closed_at_once_ends(tmp_path: Path) -> None:
    opened = await ChildProcesses(ProcessOptions(path=tmp_path)).open()
    async with asyncio.timeout(30):
        await opened.close()
    with pytest.raises(ProcessLookupError):
        os.kill(opened.process_id, 0)
