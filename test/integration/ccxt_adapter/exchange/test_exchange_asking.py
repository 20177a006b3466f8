"""One look for an order because somebody asks, at the loopback exchange."""

from collections.abc import Callable

import pytest

from kit.ccxt_desk import LINEAR, QUICK, Desk, now
from kit.loopback import Loopback
from oms.domain.order import advanced
from oms.domain.report import Heard, Report, ReportKind
from oms.domain.value import evolve

CREATE = "/order/create"
#: Nothing is read or looked up by itself within a test.
IDLE = evolve(QUICK, live=60, idle=60, soon=60, look_up=(60.0,), look_up_every=60, window=60.0)


@pytest.fixture
async def idle(new_desk: Callable[..., Desk]) -> Desk:
    """A desk that hears of nothing unless it asks."""
    return await new_desk(pace=IDLE).ready()


async def lost(desk: Desk, venue: Loopback, mode: str, order_id: int = 7) -> None:
    venue.ctl("fault", match=CREATE, mode=mode)
    await desk.send(order_id, "buy", "0.01", "10000")
    await desk.until_state(order_id, "UNKNOWN")


async def test_a_look_finds_what_was_placed(idle: Desk, venue: Loopback) -> None:
    await lost(idle, venue, "accept_then_close")
    looked = await idle.exchange.find(idle.orders[7], None, now())
    assert looked.refused is None
    await idle.until_state(7, "SUBMITTED")
    again = await idle.exchange.find(idle.orders[7], None, now())
    assert again.refused is None
    await idle.listen()
    assert idle.kinds(7) == [ReportKind.UNKNOWN, ReportKind.ACCEPTED], "told once"


async def test_a_look_that_finds_nothing_ends_nothing(idle: Desk, venue: Loopback) -> None:
    await lost(idle, venue, "close_before")
    assert (await idle.exchange.find(idle.orders[7], None, now())).refused is None
    await idle.listen()
    assert idle.state(7) == "UNKNOWN"


async def test_a_look_that_fails_says_why(idle: Desk, venue: Loopback) -> None:
    await lost(idle, venue, "accept_then_close")
    venue.ctl("fault", match="/v5/order", mode="http", status=503, count=20)
    looked = await idle.exchange.find(idle.orders[7], None, now())
    assert looked.refused is not None and looked.refused.code == "exchange_unavailable"
    assert idle.state(7) == "UNKNOWN"


async def test_an_order_is_adopted_if_it_can_be_this_one(idle: Desk, venue: Loopback) -> None:
    await lost(idle, venue, "close_before")
    made = {}
    for side, price in (("buy", "10001"), ("sell", "90000")):
        order = {"symbol": LINEAR, "side": side, "type": "limit", "qty": "0.01", "price": price}
        made[side] = str(venue.ctl("external", key="loop-a", **order)["order_id"])
    order = idle.orders[7]
    other = await idle.exchange.find(order, made["sell"], now())
    assert other.refused is not None
    assert (other.refused.code, other.refused.reason) == ("conflict", "order_differs")
    assert "sell" in other.refused.message
    nobody = await idle.exchange.find(order, "1234567890", now())
    assert nobody.refused is not None and nobody.refused.code == "order_not_found"
    assert (await idle.exchange.find(order, made["buy"], now())).refused is None
    await idle.until_state(7, "SUBMITTED")
    assert idle.orders[7].exchange_order_id == made["buy"]
    assert str(idle.orders[7].price) == "10001"


async def test_one_that_was_declared_not_placed_is_found_late(idle: Desk, venue: Loopback) -> None:
    await lost(idle, venue, "accept_then_close")
    order = idle.orders[7]
    said = Report(
        kind=ReportKind.NOT_PLACED, order_id=7, heard=Heard.OPERATOR, heard_at=now(), message="no"
    )
    idle.exchange.declared_absent(order, now())
    idle.orders[7] = advanced(order, said) or order
    assert idle.orders[7].reject_code == "not_placed"
    assert (await idle.exchange.find(idle.orders[7], None, now())).refused is None
    await idle.until_state(7, "SUBMITTED")


async def test_an_order_of_an_earlier_process_is_found_by_its_name(
    idle: Desk, venue: Loopback, new_desk: Callable[..., Desk]
) -> None:
    await lost(idle, venue, "accept_then_close")
    order = idle.orders[7]
    said = Report(kind=ReportKind.NOT_PLACED, order_id=7, heard=Heard.OPERATOR, heard_at=now())
    over = advanced(order, said) or order
    await idle.exchange.close()

    async def belongs(order_id: int) -> bool:
        return order_id == 7

    more = {"belongs": belongs}
    second = new_desk(orders={7: over}, rows={}, pace=IDLE, more=more)
    await second.ready()
    assert (await second.exchange.find(over, None, now())).refused is None
    await second.until_state(7, "SUBMITTED")
