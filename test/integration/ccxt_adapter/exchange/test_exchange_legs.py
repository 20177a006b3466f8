"""One leg or two: the position mode of the exchange account decides; a mismatch is rejected."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from kit.exchanges.ccxt_harness import LINEAR, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.account import PositionMode

Made = Callable[..., CcxtHarness]
BOTH = pytest.mark.parametrize("dialect", ["bybit", "binance"])
FAST = {"rateLimit": 2}
#: Where each dialect returns its mode.
READ = {"bybit": "/v5/position/list", "binance": "/fapi/v1/positionSide/dual"}


@pytest.fixture(autouse=True)
def many_requests(venue: LoopbackExchange) -> None:
    """Rate limits high enough that no request waits."""
    venue.control("limit", per_second=1000)


async def set_hedged(harness: CcxtHarness, hedged: bool) -> None:
    """Change the mode at the venue, bypassing the gateway."""
    client = harness.make_client()
    await client.open()
    await client.write("set_position_mode", hedged, LINEAR)
    await client.close()


async def legs_of(harness: CcxtHarness) -> dict[str, str]:
    seen = await harness.exchange.snapshot(now(), now())
    return {
        "both" if side is None else side.value: str(q) for (_, side), q in seen.holdings.items()
    }


@BOTH
async def test_a_netting_account_at_two_legs_is_refused(new_harness: Made, dialect: str) -> None:
    harness = await new_harness(dialect=dialect, extra=FAST).wait_ready()
    await set_hedged(harness, True)
    await harness.send(7, "buy", "0.02", None)
    await harness.wait_for_state(7, "REJECTED")
    assert harness.orders[7].reject_code == "position_mode_mismatch"
    assert harness.attempts[7, 1, "place"].outcome == "rejected"


@BOTH
async def test_a_mode_changed_at_the_venue_is_read_again(new_harness: Made, dialect: str) -> None:
    harness = await new_harness(dialect=dialect, extra=FAST, mode=PositionMode.HEDGE).wait_ready()
    await harness.send(7, "buy", "0.02", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    await harness.cancel(7)
    await harness.wait_for_state(7, "CANCELED")
    await set_hedged(harness, True)
    await harness.send(8, "buy", "0.02", None)
    await harness.wait_for_state(8, "REJECTED")
    assert harness.orders[8].reject_code == "position_mode_mismatch"
    for order_id, side in ((9, "buy"), (10, "sell")):
        await harness.send(order_id, side, "0.02", None)
        await harness.wait_for_state(order_id, "FILLED")
    assert await legs_of(harness) == {"buy": "0.02", "sell": "-0.02"}


@BOTH
async def test_the_mode_set_by_a_command_is_applied(new_harness: Made, dialect: str) -> None:
    harness = await new_harness(dialect=dialect, extra=FAST, mode=PositionMode.HEDGE).wait_ready()
    await harness.send(7, "buy", "0.02", None)
    await harness.wait_for_state(7, "FILLED")
    refused = await harness.exchange.trade("set_position_mode", [True, LINEAR], {}, now())
    assert refused.refused is not None, "only a flat account changes its mode"
    await harness.send(8, "sell", "0.02", None, reduce_only=True)
    await harness.wait_for_state(8, "FILLED")
    done = await harness.exchange.trade("set_position_mode", [True, LINEAR], {}, now())
    assert done.refused is None
    await harness.send(9, "sell", "0.03", None)
    await harness.wait_for_state(9, "FILLED")
    assert await legs_of(harness) == {"sell": "-0.03"}


@BOTH
async def test_nothing_is_sent_before_the_mode_is_known(
    new_harness: Made, venue: LoopbackExchange, dialect: str
) -> None:
    harness = await new_harness(dialect=dialect, extra=FAST, mode=PositionMode.HEDGE).wait_ready()
    await set_hedged(harness, True)
    venue.control("fault", match=READ[dialect], mode="http", status=503)
    await harness.send(7, "buy", "0.02", "10000")
    await harness.wait_for_state(7, "SUBMITTED")
    assert len(venue.paths(READ[dialect])) > 1
    [order] = venue.books()["orders"]
    assert (order["leg"], Decimal(order["qty"])) == ("long", Decimal("0.02"))
