"""Placements that share a request: what a cancel and a canceled task find meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.builders import an_order
from kit.exchanges.ccxt_harness import CcxtHarness
from kit.exchanges.scripted_venue import LINEAR, ScriptedVenue
from oms.adapters.ccxt.orders.ccxt_calls import CcxtCall
from oms.adapters.ccxt.orders.order_queues import Slot
from oms.adapters.ccxt.orders.order_request import PLACE, OrderRequest, track_order
from oms.adapters.ccxt.orders.placement_writer import PlacementWriter
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.ports.exchange import AttemptRow

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BYBIT = get_profile("bybit")


@dataclass
class BatchVenue(ScriptedVenue):
    """Batches are sent as soon as single orders; ``after_reply`` starts before their outcomes."""

    after_reply: Any = None
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def order_wait(self, symbol: str, orders: int) -> float:
        return 0.0

    async def place_orders(self, orders: Sequence[Mapping[str, Any]]) -> Any:
        reply = await super().place_orders(orders)
        self.tasks.append(asyncio.create_task(self.after_reply()))
        return reply


@pytest.fixture
async def batch_harness() -> AsyncIterator[tuple[CcxtHarness, BatchVenue]]:
    venue = BatchVenue()
    harness = CcxtHarness(make_client=lambda: venue, options={"inflight_writes_max": 1})
    yield await harness.start().wait_ready(), venue
    await harness.exchange.close()


async def test_an_order_whose_batch_was_answered_is_canceled_at_the_exchange(
    batch_harness: tuple[CcxtHarness, BatchVenue],
) -> None:
    """The cancel comes after the reply and before the second order's task has its outcome."""
    harness, venue = batch_harness
    venue.after_reply = lambda: harness.cancel(2)
    for order_id in (1, 2):
        await harness.send(order_id, "buy", "1", "100", unconfirmed=True)
    harness.exchange.on_committed()
    await harness.wait_until(lambda: venue.answers, "both are in flight")
    assert [method for method, _, _ in venue.writes] == ["create_orders"]
    venue.answer(0, [{"id": "x1", "info": {}}, {"id": "x2", "info": {}}])
    await harness.wait_until(lambda: len(venue.writes) == 2, "the cancel is sent")
    method, (exchange_order_id, *_), _ = venue.writes[1]
    assert (method, exchange_order_id) == ("cancel_order", "x2")
    await harness.wait_until(
        lambda: harness.attempts[2, 1, PLACE].outcome == "acked", "its placement is answered"
    )
    assert harness.state(2) == "SUBMITTED", "the exchange has not confirmed the cancel"


class GivenSlots:
    """A limiter that hands out the given slots in turn."""

    free_slots = 0

    def __init__(self, *slots: Slot) -> None:
        self._slots = list(slots)

    def request_slot(self) -> Slot:
        return self._slots.pop(0)

    def give_up(self, slot: Slot) -> None:
        """Nothing was held."""

    def release(self) -> None:
        """No other request waits for it."""


def a_request(order_id: int) -> OrderRequest:
    order = an_order(id=order_id, symbol=LINEAR)
    deadline = NOW + timedelta(seconds=1)
    row = AttemptRow(
        order_id=order_id,
        attempt=1,
        kind=PLACE,
        client_id=str(order_id),
        request="{}",
        may_send_until=deadline,
        created_at=NOW,
    )
    return OrderRequest(kind=PLACE, tracked=track_order(order, BYBIT), row=row, deadline=deadline)


async def test_a_placement_whose_task_was_canceled_is_not_part_of_a_batch() -> None:
    asked = asyncio.Event()

    async def renew(_request: OrderRequest, _now: datetime) -> None:
        """It may not wait longer: from here on it awaits the slot itself."""
        asked.set()

    loop = asyncio.get_running_loop()
    held, awaited = loop.create_future(), loop.create_future()
    held.set_result(True)
    venue = BatchVenue(ready_answers=["placed"])
    limiter: Any = GivenSlots(awaited, held)
    writer = PlacementWriter(
        client=venue,
        limiter=limiter,
        batch=BYBIT.order_batch,
        clock=lambda: NOW,
        renew=renew,
        renew_before=timedelta(seconds=10),
    )
    call = CcxtCall(method="create_order", args=(LINEAR, "limit", "buy", "1", "100"), params={})
    canceled = asyncio.create_task(writer(a_request(1), call))
    await asked.wait()
    sent = asyncio.create_task(writer(a_request(2), call))
    await asyncio.sleep(0)
    canceled.cancel()
    assert await sent == "placed"
    assert [method for method, _, _ in venue.writes] == ["create_order"]
    with pytest.raises(asyncio.CancelledError):
        await canceled
