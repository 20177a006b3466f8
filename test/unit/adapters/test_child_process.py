"""A process that calculates for the runner."""

import os
from multiprocessing import active_children
from pathlib import Path

import pytest

from kit.backtests.execution import report_and_hang
from oms.adapters.child_process import LOWEST_PRIORITY, ChildEnded, messages_of


async def test_a_process_comes_last_also_where_time_is_shared_between_sessions() -> None:
    messages = messages_of(report_and_hang, silence_seconds=30.0)
    await anext(messages)
    (process,) = active_children()
    pid = process.pid or 0
    assert os.getpriority(os.PRIO_PROCESS, pid) == LOWEST_PRIORITY
    assert os.getsid(pid) == pid
    assert _session_priority(pid) in (LOWEST_PRIORITY, None)
    await messages.aclose()


def _session_priority(pid: int) -> int | None:
    """Return the priority of a session; ``None`` where the kernel does not group by session."""
    group = Path(f"/proc/{pid}/autogroup")
    return int(group.read_text().split()[-1]) if group.exists() else None


async def test_a_process_that_hangs_is_ended() -> None:
    with pytest.raises(ChildEnded, match="the process sent nothing for 1 s and was ended"):
        async for _ in messages_of(report_and_hang, silence_seconds=1.0):
            assert active_children()
    assert not active_children()
