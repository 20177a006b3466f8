"""Order types: an unsupported one is refused with a code, never emulated."""

from decimal import Decimal

import pytest

from kit.exchanges.conformance_cases import REPLACE_CASES, SUPPORTED_CASES, ExchangeCase
from kit.exchanges.port_harness import PortHarness
from oms.domain.orders.execution_report import ReportKind

NOT_SUPPORTED = "order_type_not_supported"
QTY = "0.03"


@pytest.fixture(params=SUPPORTED_CASES, ids=str)
def case(request: pytest.FixtureRequest) -> ExchangeCase:
    found = request.param
    assert isinstance(found, ExchangeCase)
    return found


async def test_post_only_never_takes(harness: PortHarness) -> None:
    number = await harness.send("buy", QTY, "61000", post_only=True)
    await harness.wait_closed(number)
    assert harness.state(number) in ("REJECTED", "CANCELED", "EXPIRED")
    assert not harness.fills(number)
    resting = await harness.send("buy", QTY, "59000", post_only=True)
    await harness.wait_for_state(resting, "SUBMITTED")


async def test_ioc_fills_what_is_available_and_ends(harness: PortHarness) -> None:
    await harness.set_prices("59990", "60000", ask_qty="0.01")
    number = await harness.send("buy", QTY, "60000", time_in_force="IOC")
    await harness.wait_closed(number)
    assert harness.orders[number].filled_qty == Decimal("0.01")
    assert harness.state(number) in ("CANCELED", "EXPIRED")


async def test_fok_fills_all_or_nothing(harness: PortHarness) -> None:
    await harness.set_prices("59990", "60000", ask_qty="0.01")
    number = await harness.send("buy", QTY, "60000", time_in_force="FOK")
    await harness.wait_closed(number)
    assert not harness.fills(number)
    await harness.set_prices("60000")
    whole = await harness.send("buy", QTY, "60000", time_in_force="FOK")
    await harness.wait_for_state(whole, "FILLED")


TRIGGERED = (
    ("stop_market", None, "60500", "60600"),
    ("stop_limit", "60800", "60700", "60750"),
    ("take_profit_market", None, "59500", "59400"),
)


async def test_a_conditional_order_waits_for_its_trigger(harness: PortHarness) -> None:
    for order_type, price, trigger, met in TRIGGERED:
        number = await harness.send("buy", QTY, price, order_type=order_type, trigger_price=trigger)
        await harness.wait_for_state(number, "SUBMITTED")
        assert not harness.fills(number)
        await harness.set_prices(met)
        await harness.wait_for_state(number, "FILLED")


async def test_a_conditional_order_is_changed_and_canceled(harness: PortHarness) -> None:
    number = await harness.send("buy", QTY, "61000", order_type="stop_limit", trigger_price="60900")
    await harness.wait_for_state(number, "SUBMITTED")
    await harness.change(number, price="61100")
    await harness.wait_answered(number)
    assert (harness.orders[number].price, harness.state(number)) == (Decimal(61100), "SUBMITTED")
    await harness.cancel(number)
    await harness.wait_for_state(number, "CANCELED")
    await harness.set_prices("60950")
    assert not harness.fills(number)


async def test_a_triggered_order_is_canceled(harness: PortHarness) -> None:
    """A stop limit at 60400 that is triggered at 60500 rests, because the price is 60600."""
    terms = {"order_type": "stop_limit", "trigger_price": "60500"}
    number = await harness.send("buy", QTY, "60400", **terms)
    await harness.wait_for_state(number, "SUBMITTED")
    await harness.set_prices("60600")
    await harness.wait_until(
        lambda: harness.last_report(number, ReportKind.TRIGGERED) is not None, "triggered"
    )
    await harness.cancel(number)
    await harness.wait_for_state(number, "CANCELED")
    await harness.set_prices("60300")
    assert not harness.fills(number)


UNSENT = (("trailing", "sell", {"order_type": "trailing_stop", "trailing_percent": "1"}),)


async def test_unsupported_orders_are_refused_before_sending(harness: PortHarness) -> None:
    for capability, side, terms in UNSENT:
        number = await harness.send(side, QTY, **terms)
        if harness.capabilities[capability]:
            assert harness.last_report(number, ReportKind.REFUSED) is None
            continue
        assert (harness.rejection_code(number), harness.state(number)) == (
            NOT_SUPPORTED,
            "REJECTED",
        )
        assert not harness.attempts, "nothing was journaled"


@pytest.mark.parametrize("case", [*SUPPORTED_CASES, *REPLACE_CASES], ids=str)
async def test_price_and_quantity_are_changed(harness: PortHarness) -> None:
    number = await harness.send("buy", QTY, "59000")
    await harness.wait_for_state(number, "SUBMITTED")
    first = harness.orders[number].exchange_order_id
    await harness.change(number, price="58000")
    await harness.wait_answered(number)
    await harness.change(number, qty="0.04")
    await harness.wait_answered(number)
    order = harness.orders[number]
    assert (order.price, order.qty, order.state) == (Decimal(58000), Decimal("0.04"), "SUBMITTED")
    assert order.exchange_order_id == first
    await harness.set_prices("57999")
    await harness.wait_for_state(number, "FILLED")
    assert sum(fill.qty for fill in harness.fills(number)) == Decimal("0.04")


@pytest.mark.parametrize("case", [*SUPPORTED_CASES, *REPLACE_CASES], ids=str)
async def test_fills_are_kept_when_the_rest_is_changed(harness: PortHarness) -> None:
    number = await harness.send("buy", QTY, "59000")
    await harness.wait_for_state(number, "SUBMITTED")
    await harness.set_prices("58999", "59000", ask_qty="0.01")
    await harness.wait_for_state(number, "PARTIALLY_FILLED")
    await harness.change(number, price="58000")
    await harness.wait_answered(number)
    assert harness.rejection_code(number) is None
    assert (harness.orders[number].price, harness.state(number)) == (
        Decimal(58000),
        "PARTIALLY_FILLED",
    )
    await harness.cancel(number)
    await harness.wait_for_state(number, "CANCELED")
    assert harness.orders[number].filled_qty == Decimal("0.01")


@pytest.mark.parametrize("case", [*SUPPORTED_CASES, *REPLACE_CASES], ids=str)
async def test_a_change_below_the_filled_quantity_is_refused(harness: PortHarness) -> None:
    number = await harness.send("buy", QTY, "59000")
    await harness.wait_for_state(number, "SUBMITTED")
    await harness.set_prices("58999", "59000", ask_qty="0.02")
    await harness.wait_for_state(number, "PARTIALLY_FILLED")
    await harness.change(number, qty="0.01")
    await harness.wait_answered(number)
    assert harness.rejection_code(number)
    order = harness.orders[number]
    assert (order.qty, order.filled_qty) == (Decimal(QTY), Decimal("0.02"))
    assert order.state == "PARTIALLY_FILLED"
