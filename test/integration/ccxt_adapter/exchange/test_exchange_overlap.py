"""Row 26: many requests at the same time at a slow exchange."""

import time
from collections.abc import Callable

import pytest

from kit.exchanges.ccxt_harness import ONE_BY_ONE, CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange

SENT, SLOW_MS = 20, 300
#: Canceled while in flight, and before they were sent.
FOLLOWED, TAKEN_BACK = (1, 2), (18, 19, 20)


@pytest.mark.parametrize("extra_config", ["{}", ONE_BY_ONE], ids=["shared", "one_by_one"])
async def test_calls_overlap_and_each_order_keeps_its_sequence(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange, extra_config: str
) -> None:
    harness = await new_harness(extra_config=extra_config).wait_ready()
    venue.control("fault", match="order/", mode="slow", ms=SLOW_MS, count=2 * SENT)
    before = venue.control("log")["log"][-1]["number"]
    began = time.monotonic()
    for order_id in range(1, SENT + 1):
        await harness.send(order_id, "buy", "0.01", "10000")
    await harness.wait_until(lambda: len(venue.paths("order/create")) >= 8, "eight are in flight")
    for order_id in (*FOLLOWED, *TAKEN_BACK):
        await harness.cancel(order_id)
    left = [each for each in range(1, SENT + 1) if each not in TAKEN_BACK]
    for order_id in (*FOLLOWED, *TAKEN_BACK):
        await harness.wait_for_state(order_id, "CANCELED")
    stay = [each for each in left if each not in FOLLOWED]
    await harness.wait_until(
        lambda: all(harness.state(each) == "SUBMITTED" for each in stay), "all are open"
    )
    seconds = time.monotonic() - began

    log = venue.control("log", after=before, match="order/")["log"]
    requests = [row for row in log if row["path"].endswith(("/create", "/create-batch"))]
    creates = [name for row in requests for name in row["client_id"].split(",")]
    placed = [harness.attempts[each, 1, "place"] for each in left]
    assert sorted(creates) == sorted(row.client_id for row in placed)
    sent = [row.sent_at for row in placed]
    assert None not in sent and sent == sorted(sent), "they are sent in their order"
    cancels = [n for n, row in enumerate(log) if row["path"].endswith("/cancel")]
    assert len(cancels) == len(FOLLOWED), "unsent orders were never canceled there"
    assert seconds < (len(requests) + len(cancels)) * SLOW_MS / 1000, "calls overlap"
    assert all(harness.attempts[each, 1, "place"].outcome == "not_sent" for each in TAKEN_BACK)
    assert {row["state"] for row in venue.books()["orders"]} == {"new", "canceled"}
