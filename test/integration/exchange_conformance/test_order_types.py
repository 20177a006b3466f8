"""Forms of orders: what an exchange cannot do is refused by its code, never imitated."""

from decimal import Decimal

import pytest

from kit.exchanges.conformance_cases import REPLACE_CASES, SUPPORTED_CASES, ExchangeCase
from kit.exchanges.port_harness import PortHarness
from oms.domain.orders.execution_report import ReportKind

NOT_DONE = "order_type_not_supported"
ENOUGH = "0.03"


@pytest.fixture(params=SUPPORTED_CASES, ids=str)
def case(request: pytest.FixtureRequest) -> ExchangeCase:
    found = request.param
    assert isinstance(found, ExchangeCase)
    return found


async def test_post_only_never_takes(desk: PortHarness) -> None:
    number = await desk.send("buy", ENOUGH, "61000", post_only=True)
    await desk.wait_closed(number)
    assert desk.state(number) in ("REJECTED", "CANCELED", "EXPIRED")
    assert not desk.fills(number)
    resting = await desk.send("buy", ENOUGH, "59000", post_only=True)
    await desk.wait_for_state(resting, "SUBMITTED")


async def test_ioc_takes_what_there_is_and_ends(desk: PortHarness) -> None:
    await desk.set_prices("59990", "60000", ask_qty="0.01")
    number = await desk.send("buy", ENOUGH, "60000", time_in_force="IOC")
    await desk.wait_closed(number)
    assert desk.orders[number].filled_qty == Decimal("0.01")
    assert desk.state(number) in ("CANCELED", "EXPIRED")


async def test_fok_takes_all_or_nothing(desk: PortHarness) -> None:
    await desk.set_prices("59990", "60000", ask_qty="0.01")
    number = await desk.send("buy", ENOUGH, "60000", time_in_force="FOK")
    await desk.wait_closed(number)
    assert not desk.fills(number)
    await desk.set_prices("60000")
    whole = await desk.send("buy", ENOUGH, "60000", time_in_force="FOK")
    await desk.wait_for_state(whole, "FILLED")


TRIGGERED = (
    ("stop_market", None, "60500", "60600"),
    ("stop_limit", "60800", "60700", "60750"),
    ("take_profit_market", None, "59500", "59400"),
)


async def test_a_trigger_is_waited_for(desk: PortHarness) -> None:
    for order_type, price, trigger, met in TRIGGERED:
        number = await desk.send("buy", ENOUGH, price, order_type=order_type, trigger_price=trigger)
        await desk.wait_for_state(number, "SUBMITTED")
        assert not desk.fills(number)
        await desk.set_prices(met)
        await desk.wait_for_state(number, "FILLED")


async def test_one_that_waits_is_changed_and_canceled(desk: PortHarness) -> None:
    number = await desk.send("buy", ENOUGH, "61000", order_type="stop_limit", trigger_price="60900")
    await desk.wait_for_state(number, "SUBMITTED")
    await desk.change(number, price="61100")
    await desk.wait_answered(number)
    assert (desk.orders[number].price, desk.state(number)) == (Decimal(61100), "SUBMITTED")
    await desk.cancel(number)
    await desk.wait_for_state(number, "CANCELED")
    await desk.set_prices("60950")
    assert not desk.fills(number)


async def test_what_a_trigger_placed_is_canceled(desk: PortHarness) -> None:
    """It buys at 60400 at most once the price was at 60500: it rests, for the price is 60600."""
    terms = {"order_type": "stop_limit", "trigger_price": "60500"}
    number = await desk.send("buy", ENOUGH, "60400", **terms)
    await desk.wait_for_state(number, "SUBMITTED")
    await desk.set_prices("60600")
    await desk.wait_until(
        lambda: desk.last_report(number, ReportKind.TRIGGERED) is not None, "triggered"
    )
    await desk.cancel(number)
    await desk.wait_for_state(number, "CANCELED")
    await desk.set_prices("60300")
    assert not desk.fills(number)


UNSENT = (
    ("trailing", "sell", {"order_type": "trailing_stop", "trailing_percent": "1"}),
    ("expiry", "buy", {"price": "59000", "time_in_force": "GTD"}),
)


async def test_what_is_not_sent_is_refused_before_it_leaves(desk: PortHarness) -> None:
    for deed, side, terms in UNSENT:
        number = await desk.send(side, ENOUGH, **terms)
        if desk.capabilities[deed]:
            assert desk.last_report(number, ReportKind.REFUSED) is None
            continue
        assert (desk.rejection_code(number), desk.state(number)) == (NOT_DONE, "REJECTED")
        assert not desk.attempts, "nothing was taken down"


@pytest.mark.parametrize("case", [*SUPPORTED_CASES, *REPLACE_CASES], ids=str)
async def test_price_and_quantity_are_changed(desk: PortHarness) -> None:
    number = await desk.send("buy", ENOUGH, "59000")
    await desk.wait_for_state(number, "SUBMITTED")
    first = desk.orders[number].exchange_order_id
    await desk.change(number, price="58000")
    await desk.wait_answered(number)
    await desk.change(number, qty="0.04")
    await desk.wait_answered(number)
    order = desk.orders[number]
    assert (order.price, order.qty, order.state) == (Decimal(58000), Decimal("0.04"), "SUBMITTED")
    assert order.exchange_order_id == first
    await desk.set_prices("57999")
    await desk.wait_for_state(number, "FILLED")
    assert sum(fill.qty for fill in desk.fills(number)) == Decimal("0.04")


@pytest.mark.parametrize("case", [*SUPPORTED_CASES, *REPLACE_CASES], ids=str)
async def test_what_was_executed_stays_when_the_rest_is_changed(desk: PortHarness) -> None:
    number = await desk.send("buy", ENOUGH, "59000")
    await desk.wait_for_state(number, "SUBMITTED")
    await desk.set_prices("58999", "59000", ask_qty="0.01")
    await desk.wait_for_state(number, "PARTIALLY_FILLED")
    await desk.change(number, price="58000")
    await desk.wait_answered(number)
    assert desk.rejection_code(number) is None
    assert (desk.orders[number].price, desk.state(number)) == (Decimal(58000), "PARTIALLY_FILLED")
    await desk.cancel(number)
    await desk.wait_for_state(number, "CANCELED")
    assert desk.orders[number].filled_qty == Decimal("0.01")


@pytest.mark.parametrize("case", [*SUPPORTED_CASES, *REPLACE_CASES], ids=str)
async def test_a_change_below_what_is_filled_is_refused(desk: PortHarness) -> None:
    number = await desk.send("buy", ENOUGH, "59000")
    await desk.wait_for_state(number, "SUBMITTED")
    await desk.set_prices("58999", "59000", ask_qty="0.02")
    await desk.wait_for_state(number, "PARTIALLY_FILLED")
    await desk.change(number, qty="0.01")
    await desk.wait_answered(number)
    assert desk.rejection_code(number)
    order = desk.orders[number]
    assert (order.qty, order.filled_qty) == (Decimal(ENOUGH), Decimal("0.02"))
    assert order.state == "PARTIALLY_FILLED"
