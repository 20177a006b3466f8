"""Executions of an ended order are read until all are there, without a poll or a stream."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, LINEAR, CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.value import evolve

Made = Callable[..., CcxtHarness]
#: No poll after the first one of an order.
RARE_POLLS = evolve(FAST_TIMINGS, live_poll_seconds=60, idle_poll_seconds=60)
#: What a list of executions may be once: without the row, unreadable, or of another time.
DAMAGES: tuple[dict[str, Any], ...] = (
    {"mode": "empty"},
    {"mode": "missing_leg"},
    {"mode": "lag", "seconds": 60},
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each["mode"])
@pytest.mark.parametrize(("dialect", "path"), [("bybit", "execution/list"), ("binance", "Trades")])
async def test_an_execution_that_the_first_list_after_a_cancel_lacks(
    new_harness: Made, venue: LoopbackExchange, dialect: str, path: str, damage: dict[str, Any]
) -> None:
    harness = await new_harness(dialect, timings=RARE_POLLS).wait_ready()
    await harness.send(1, "sell", "0.011", "70000", symbol=LINEAR)
    await harness.wait_for_state(1, "SUBMITTED")
    for _ in range(3):  # the poll that follows a placement
        await harness.poll_uncommitted()
    venue.control("fault", mode="late_fill", share="0.5")
    venue.control("fault", match=path, count=3, **damage)
    await harness.cancel(1)
    await harness.wait_for_state(1, "CANCELED", seconds=5)
    await harness.wait_until(
        lambda: harness.orders[1].filled_qty == Decimal("0.005"), "executions", seconds=8
    )


async def test_polls_do_not_take_an_empty_list_of_executions_for_the_whole(
    new_harness: Made, venue: LoopbackExchange
) -> None:
    """An execution of another program, which no order of ours leads to."""
    timings = evolve(FAST_TIMINGS, trade_overlap_seconds=0)
    harness = await new_harness(timings=timings).wait_ready()
    await harness.send(1, "buy", "0.01", None)
    await harness.wait_for_state(1, "FILLED")
    venue.control("fault", match="execution/list", mode="empty", count=6)
    made = venue.control("external", symbol=LINEAR, side="buy", qty="0.3")
    await harness.wait_until(
        lambda: made["order_id"] in {each.exchange_order_id for each in harness.reports},
        "the execution",
        seconds=8,
    )
