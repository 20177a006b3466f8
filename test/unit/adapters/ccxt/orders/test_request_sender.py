"""What is reported of requests that were not sent."""

from collections.abc import AsyncIterator

import pytest

from kit.exchanges.ccxt_harness import CcxtHarness
from kit.exchanges.scripted_venue import ScriptedVenue
from oms.adapters.ccxt.client.request_errors import NotSent


class BusyVenue(ScriptedVenue):
    """A new order could be sent in half a minute."""

    def order_wait(self, symbol: str, orders: int) -> float:
        return 30.0


@pytest.fixture
def venue() -> BusyVenue:
    return BusyVenue()


@pytest.fixture
async def harness(venue: BusyVenue) -> AsyncIterator[CcxtHarness]:
    harness = CcxtHarness(make_client=lambda: venue).start()
    yield await harness.wait_ready()
    await harness.exchange.close()


def late(retry_after: float | None = None) -> NotSent:
    return NotSent("expired_before_send", "late", headers_sent=False, retry_after=retry_after)


async def test_only_a_new_order_is_said_to_wait_for_the_limit_on_new_orders(
    harness: CcxtHarness, venue: BusyVenue
) -> None:
    venue.ready_answers = [late(), {"id": "x2"}, late(), late(retry_after=1.5)]
    await harness.send(1, "buy", "1", "100")
    await harness.wait_for_state(1, "REJECTED")
    assert harness.reports[-1].retry_after_s == 30
    await harness.send(2, "buy", "1", "100")
    await harness.wait_for_state(2, "SUBMITTED")
    for expected in (None, 2):
        count = len(harness.reports)
        await harness.cancel(2)
        await harness.wait_until(lambda seen=count: len(harness.reports) > seen, "refused")
        assert harness.reports[-1].code == "expired_before_send"
        assert harness.reports[-1].retry_after_s == expected
