"""One leg or two: what the exchange account shows decides, and a contradiction is refused."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from kit.exchanges.ccxt_harness import LINEAR, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.account import PositionMode

Made = Callable[..., CcxtHarness]
BOTH = pytest.mark.parametrize("dialect", ["bybit", "binance"])
FAST = {"rateLimit": 2}
#: Where each dialect tells its mode.
READ = {"bybit": "/v5/position/list", "binance": "/fapi/v1/positionSide/dual"}


@pytest.fixture(autouse=True)
def many_requests(venue: LoopbackExchange) -> None:
    """The exchange lets as many pass as are sent: nobody waits for a turn."""
    venue.control("limit", per_second=1000)


async def set_hedged(desk: CcxtHarness, hedged: bool) -> None:
    """In the venue's own app, past the gateway."""
    client = desk.make_client()
    await client.open()
    await client.write("set_position_mode", hedged, LINEAR)
    await client.close()


async def legs_of(desk: CcxtHarness) -> dict[str, str]:
    seen = await desk.exchange.snapshot(now(), now())
    return {
        "both" if side is None else side.value: str(q) for (_, side), q in seen.holdings.items()
    }


@BOTH
async def test_a_netting_account_at_two_legs_is_refused(new_desk: Made, dialect: str) -> None:
    desk = await new_desk(dialect=dialect, extra=FAST).wait_ready()
    await set_hedged(desk, True)
    await desk.send(7, "buy", "0.02", None)
    await desk.wait_for_state(7, "REJECTED")
    assert desk.orders[7].reject_code == "position_mode_mismatch"
    assert desk.attempts[7, 1, "place"].outcome == "rejected"


@BOTH
async def test_a_mode_that_was_changed_behind_our_back_is_learned(
    new_desk: Made, dialect: str
) -> None:
    desk = await new_desk(dialect=dialect, extra=FAST, mode=PositionMode.HEDGE).wait_ready()
    await desk.send(7, "buy", "0.02", "10000")
    await desk.wait_for_state(7, "SUBMITTED")
    await desk.cancel(7)
    await desk.wait_for_state(7, "CANCELED")
    await set_hedged(desk, True)
    await desk.send(8, "buy", "0.02", None)
    await desk.wait_for_state(8, "REJECTED")
    assert desk.orders[8].reject_code == "position_mode_mismatch"
    for order_id, side in ((9, "buy"), (10, "sell")):
        await desk.send(order_id, side, "0.02", None)
        await desk.wait_for_state(order_id, "FILLED")
    assert await legs_of(desk) == {"buy": "0.02", "sell": "-0.02"}


@BOTH
async def test_the_mode_set_by_a_command_is_known_at_once(new_desk: Made, dialect: str) -> None:
    desk = await new_desk(dialect=dialect, extra=FAST, mode=PositionMode.HEDGE).wait_ready()
    await desk.send(7, "buy", "0.02", None)
    await desk.wait_for_state(7, "FILLED")
    refused = await desk.exchange.trade("set_position_mode", [True, LINEAR], {}, now())
    assert refused.refused is not None, "only a flat account changes its mode"
    await desk.send(8, "sell", "0.02", None, reduce_only=True)
    await desk.wait_for_state(8, "FILLED")
    done = await desk.exchange.trade("set_position_mode", [True, LINEAR], {}, now())
    assert done.refused is None
    await desk.send(9, "sell", "0.03", None)
    await desk.wait_for_state(9, "FILLED")
    assert await legs_of(desk) == {"sell": "-0.03"}


@BOTH
async def test_nothing_leaves_before_the_mode_is_known(
    new_desk: Made, venue: LoopbackExchange, dialect: str
) -> None:
    desk = await new_desk(dialect=dialect, extra=FAST, mode=PositionMode.HEDGE).wait_ready()
    await set_hedged(desk, True)
    venue.control("fault", match=READ[dialect], mode="http", status=503)
    await desk.send(7, "buy", "0.02", "10000")
    await desk.wait_for_state(7, "SUBMITTED")
    assert len(venue.paths(READ[dialect])) > 1
    [order] = venue.books()["orders"]
    assert (order["leg"], Decimal(order["qty"])) == ("long", Decimal("0.02"))
