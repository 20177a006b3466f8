"""Row 20, first half: while the exchange rejects everything, orders and a cancel wait."""

from collections import Counter
from collections.abc import Callable

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, ONE_BY_ONE, CcxtHarness
from kit.exchanges.loopback_process import LoopbackExchange
from kit.run_size import choose_size
from oms.adapters.ccxt.wiring import INFLIGHT_WRITES_MAX
from oms.domain.value import evolve

ORDERS = range(1, 11)
#: By one order, or by several.
PLACE = ("/create", "/create-batch")


@pytest.mark.parametrize("extra_config", ["{}", ONE_BY_ONE], ids=["shared", "one_by_one"])
async def test_no_order_is_lost_or_doubled_and_the_cancel_goes_first(
    new_harness: Callable[..., CcxtHarness], venue: LoopbackExchange, extra_config: str
) -> None:
    timings = evolve(FAST_TIMINGS, send_within_seconds=10)
    harness = await new_harness(timings=timings, extra_config=extra_config).wait_ready()
    await harness.send(11, "buy", "0.01", "10000")
    await harness.wait_for_state(11, "SUBMITTED")
    venue.control("limit", per_second=0, seconds=choose_size(0.6, 5.0))
    before = venue.control("log")["log"][-1]["number"]
    for order_id in ORDERS:
        await harness.send(order_id, "buy", "0.01", "10000")
    await harness.wait_until(
        lambda: venue.control("log", after=before, match="order/")["log"], "refused"
    )
    await harness.cancel(11)
    await harness.wait_until(
        lambda: all(harness.state(each) == "SUBMITTED" for each in ORDERS), "all are open"
    )
    await harness.wait_for_state(11, "CANCELED")

    later = venue.control("log", after=before, match="order/")["log"]
    names = [harness.attempts[each, 1, "place"].client_id for each in ORDERS]
    shown = Counter(row["client_id"] for row in venue.books()["orders"])
    assert all(shown[name] == 1 for name in names), "the same ids, each once"
    assert set(harness.attempts) == {
        *((each, 1, "place") for each in (11, *ORDERS)),
        (11, 2, "cancel"),
    }
    writes = [row for row in later if row["path"].endswith((*PLACE, "/cancel"))]
    cancel = max(n for n, row in enumerate(writes) if row["path"].endswith("/cancel"))
    accepted = [name for row in writes[cancel + 1 :] for name in row["client_id"].split(",")]
    assert sorted(accepted) == sorted(names), "one pause: all were accepted after the cancel"
    refused = [row for row in writes[:cancel] if row["path"].endswith(PLACE)]
    probes = choose_size(0, 2)  # after the pauses of 1 and 2 s within five seconds
    assert len(refused) <= INFLIGHT_WRITES_MAX + probes, "those in flight, and one after a pause"
