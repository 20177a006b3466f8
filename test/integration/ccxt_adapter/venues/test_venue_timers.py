"""Timers that cancel all orders: requests as ccxt sends them, replies as documented."""

from collections.abc import Callable
from typing import Any

import pytest

from oms.adapters.ccxt.client.request_errors import Rejected
from oms.adapters.ccxt.venues.profile_registry import get_profile

KRAKEN = "POST /0/private/CancelAllOrdersAfter"


async def test_kraken_counts_seconds_for_all_orders(places: Callable[[str], Any]) -> None:
    place = places("kraken")
    place.venue.answers[KRAKEN] = {
        "error": [],
        "result": {"currentTime": "2023-03-24T17:41:56Z", "triggerTime": "2023-03-24T17:42:56Z"},
    }
    client = await place.opened()
    timer = get_profile("kraken").cancel_timer
    assert timer is not None and timer.symbol_kinds is None
    for seconds in (60, 0):
        method, arguments = timer.call(seconds, "")
        reply = await client.write(method, *arguments)
        assert reply["result"]["triggerTime"] == "2023-03-24T17:42:56Z"
    assert [int(each.fields["timeout"]) for each in place.venue.sent(KRAKEN)] == [60, 0]

    place.venue.answers[KRAKEN] = {"error": ["EGeneral:Permission denied"]}
    with pytest.raises(Rejected) as refused:
        await client.write(*timer.call(60, "")[:1], *timer.call(60, "")[1])
    assert refused.value.code == "auth_failed"
