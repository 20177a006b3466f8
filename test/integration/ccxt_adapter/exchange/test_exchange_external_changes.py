"""Changes of orders from elsewhere: never placed again without the terms of the first request."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import LINEAR, SPOT, CcxtHarness, now
from kit.exchanges.loopback_process import LoopbackExchange
from oms.domain.account import PositionMode
from oms.domain.orders.execution_report import ExecutionReport, ReportKind
from oms.domain.orders.external_order import build_external_order
from oms.domain.orders.order import advance_order
from oms.domain.orders.order_terms import NewTerms
from oms.domain.value import evolve

Made = Callable[..., CcxtHarness]
STOP: dict[str, Any] = {"order_type": "stop_limit", "trigger_price": Decimal(90000)}
ID = 8


def open_rows(venue: LoopbackExchange) -> list[tuple[str, str | None, str, str | None]]:
    """State, trigger price, quantity and price of each order that has not ended."""
    return [
        (row["state"], row["trigger"], row["qty"], row["price"])
        for row in venue.books()["orders"]
        if row["state"] in ("new", "partly_filled", "untriggered")
    ]


def external_report(harness: CcxtHarness) -> ExecutionReport | None:
    """The first report about an order of another system."""
    return next((report for report in harness.reports if report.external is not None), None)


async def adopt(harness: CcxtHarness, symbol: str) -> None:
    """Make the external order one of the ledger, as the record of reports does."""
    await harness.send(1, "buy", "0.01", "10000", symbol=symbol)
    await harness.wait_for_state(1, "SUBMITTED")
    await harness.cancel(1)
    await harness.wait_for_state(1, "CANCELED")
    harness.exchange.start_snapshot(now() - timedelta(minutes=5))
    await harness.wait_until(lambda: external_report(harness), "the external order is read")
    report = external_report(harness)
    assert report is not None and report.external is not None
    order = build_external_order(
        report.external, report, None, order_id=ID, account_id=1, mode=PositionMode.NETTING
    )
    harness.orders[ID] = advance_order(order, evolve(report, order_id=ID)) or order


async def place_elsewhere(
    new_harness: Made, symbol: str, dialect: str, price: str, **terms: Any
) -> None:
    """An order that another installation placed with the same credentials."""
    other = await new_harness(dialect=dialect, tag="ffffffff").wait_ready()
    await other.send(7, "buy", "0.01", price, symbol=symbol, **terms)
    await other.wait_for_state(7, "SUBMITTED")
    await other.exchange.close()


def assert_refused(harness: CcxtHarness, venue: LoopbackExchange, sent: int) -> None:
    """The change was refused, and nothing but reads was requested since the ``sent`` requests."""
    assert [(each.kind, each.code) for each in harness.reports if each.order_id == ID] == [
        (ReportKind.REJECTED, "order_type_not_supported")
    ]
    assert not [row for row in harness.attempts.values() if row.order_id == ID]
    assert not [path for path in venue.paths()[sent:] if not path.startswith("GET")]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("terms", [("90200", None), (None, "0.02")])
@pytest.mark.parametrize("symbol", [LINEAR, SPOT])
async def test_a_conditional_order_from_elsewhere_keeps_its_trigger(
    new_harness: Made,
    venue: LoopbackExchange,
    symbol: str,
    terms: tuple[str | None, str | None],
    restarts: bool,
) -> None:
    await place_elsewhere(new_harness, symbol, "binance", "90100", **STOP)
    harness = await new_harness(dialect="binance").wait_ready()
    await adopt(harness, symbol)
    if restarts:
        await harness.exchange.close()
        await harness.start().wait_ready()
    sent = len(venue.paths())
    before = open_rows(venue)
    assert before == [("untriggered", "90000", "0.01", "90100")]
    await harness.change(ID, *terms)
    assert_refused(harness, venue, sent)
    assert open_rows(venue) == before


@pytest.mark.parametrize("symbol", [LINEAR, SPOT])
async def test_a_limit_order_from_elsewhere_is_placed_again_on_spot_only(
    new_harness: Made, venue: LoopbackExchange, symbol: str
) -> None:
    await place_elsewhere(new_harness, symbol, "bybit", "20000")
    extra = dict(venue.startup["extra_config"]["bybit"])
    extra["oms"] = {**extra.get("oms", {}), "capabilities": {"edit": "none"}}
    harness = await new_harness(extra_config=json.dumps(extra)).wait_ready()
    await adopt(harness, symbol)
    sent = len(venue.paths())
    await harness.change(ID, "20001", None)
    if symbol == LINEAR:
        assert_refused(harness, venue, sent)
        assert open_rows(venue) == [("new", None, "0.01", "20000")]
    else:
        await harness.wait_until(lambda: harness.orders[ID].pending_change is None, "changed")
        assert open_rows(venue) == [("new", None, "0.01", "20001")]


async def test_a_conditional_order_from_elsewhere_is_amended_in_place(
    new_harness: Made, venue: LoopbackExchange
) -> None:
    await place_elsewhere(new_harness, LINEAR, "bybit", "90100", **STOP)
    harness = await new_harness().wait_ready()
    await adopt(harness, LINEAR)
    await harness.change(ID, "90200", "0.02")
    await harness.wait_until(lambda: harness.orders[ID].pending_change is None, "changed")
    assert open_rows(venue) == [("untriggered", "90000", "0.02", "90200")]


@pytest.mark.parametrize("dialect", ["binance", "bybit"])
async def test_the_trigger_of_an_order_from_elsewhere_is_not_moved(
    new_harness: Made, venue: LoopbackExchange, dialect: str
) -> None:
    await place_elsewhere(new_harness, LINEAR, dialect, "90100", **STOP)
    harness = await new_harness(dialect=dialect).wait_ready()
    await adopt(harness, LINEAR)
    sent = len(venue.paths())
    await harness.change(ID, None, None, NewTerms(trigger_price=Decimal(90050)))
    assert_refused(harness, venue, sent)
    assert open_rows(venue) == [("untriggered", "90000", "0.01", "90100")]
