"""A process that calculates for the runner."""

from multiprocessing import active_children

import pytest

from kit.backtests.execution import report_and_hang
from oms.adapters.child_process import ChildEnded, messages_of


async def test_a_process_that_hangs_is_ended() -> None:
    with pytest.raises(ChildEnded, match="the process sent nothing for 1 s and was ended"):
        async for _ in messages_of(report_and_hang, silence_seconds=1.0):
            assert active_children()
    assert not active_children()
