"""Own stops at venues where the order that a stop places does not name it.

The venue's list of stops that ended names the placed order: its executions belong to the stop,
also after a lost reply and after a restart.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, TAG, CcxtHarness, now
from kit.exchanges.recorded_payloads import load_raw_row
from kit.exchanges.stop_venues import (
    GATE_ORDERS,
    STOPS,
    StopVenue,
    gate_order,
    gate_stop_of_another,
)
from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.adapters.ccxt.orders.order_cache import TrackedOrder
from oms.adapters.ccxt.sync.order_lookup import OrderAbsent
from oms.domain.orders.execution_report import ReportKind
from oms.domain.side import Side
from oms.domain.value import evolve

pytestmark = pytest.mark.recorded
Places = Callable[[str], Any]


each_venue = pytest.mark.parametrize("name", STOPS)


def exchange_of(name: str) -> str:
    return name.partition("-")[0]


async def sent_stop(
    name: str,
    places: Places,
    folder: Path,
    *,
    price: str | None = None,
    loses_reply: bool = False,
    state: str | None = "SUBMITTED",
    **more: Any,
) -> tuple[StopVenue, CcxtHarness]:
    """The scripted stop of a venue, and a harness that has sent it as order 1."""
    symbol, qty, number, routes = STOPS[name]
    exchange = exchange_of(name)
    place = places(exchange)
    one = StopVenue(
        symbol=symbol,
        qty=qty,
        row=load_raw_row(folder, exchange, "orders", number),
        routes=routes,
        venue=place.venue,
        loses_reply=loses_reply,
    )
    one.serve()
    harness: CcxtHarness = await place.harness(**more)
    price = "1.02" if name == "gate-spot" else price
    order_type = "stop_limit" if price else "stop_market"
    terms = {"order_type": order_type, "trigger_price": Decimal("1.03")}
    await harness.send(1, "sell", qty, price, symbol=symbol, **terms)
    if state is not None:
        await harness.wait_for_state(1, state)
    return one, harness


@pytest.mark.parametrize("loses_reply", [False, True], ids=["answered", "reply-lost"])
@each_venue
async def test_executions_of_the_placed_order_belong_to_the_stop(
    name: str, loses_reply: bool, places: Places, recorded_data: Path
) -> None:
    one, harness = await sent_stop(name, places, recorded_data, loses_reply=loses_reply)
    key = "id" if exchange_of(name) == "gate" else "orderId"
    assert harness.orders[1].exchange_order_id == str(one.row[key])
    one.is_met = True
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    assert ReportKind.TRIGGERED in harness.kinds(1)
    assert not [report for report in harness.reports if report.order_id != 1]


async def test_a_stop_of_a_known_id_is_own_without_its_client_order_id(
    places: Places, recorded_data: Path
) -> None:
    """That Gate returns it is not proven."""
    one, harness = await sent_stop("gate", places, recorded_data)
    one.name = "api"
    one.is_met = True
    await harness.wait_until(lambda: [each for each in harness.reports if each.execution], "filled")
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    assert not [report for report in harness.reports if report.order_id != 1]


@each_venue
async def test_executions_that_are_listed_before_the_end_of_the_stop_wait_for_it(
    name: str, places: Places, recorded_data: Path
) -> None:
    one, harness = await sent_stop(name, places, recorded_data)
    (fills,) = (route for route in one.routes if "trades" in route or "fills" in route)
    one.is_late = one.is_met = True
    count = len(one.venue.sent(fills))
    await harness.wait_until(lambda: len(one.venue.sent(fills)) > count + 1, "read twice")
    assert not [report for report in harness.reports if report.execution]
    one.is_late = False
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    assert not [report for report in harness.reports if report.order_id != 1]


async def test_an_open_order_that_is_listed_before_the_end_of_its_stop_waits_for_it(
    places: Places, recorded_data: Path
) -> None:
    one, harness = await sent_stop("gate", places, recorded_data, price="1.02")
    one.is_late = one.is_met = one.rests = True
    count = len(one.venue.sent(GATE_ORDERS))
    await harness.wait_until(lambda: len(one.venue.sent(GATE_ORDERS)) > count + 1, "read twice")
    one.is_late = False
    await harness.wait_until(lambda: ReportKind.TRIGGERED in harness.kinds(1), "triggered")
    one.rests = False
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    assert not [report for report in harness.reports if report.order_id != 1]


@pytest.mark.parametrize(
    "changes",
    [{"size": 1, "left": 1}, {"size": -2, "left": -2}, {}],
    ids=["other side", "larger", "placed by another stop"],
)
async def test_an_order_that_no_waiting_stop_can_have_placed_is_reported_at_once(
    places: Places, recorded_data: Path, changes: dict[str, Any]
) -> None:
    """Its terms, or the list of stops that ended, say that it is of another program."""
    one, harness = await sent_stop("gate", places, recorded_data, price="1.02")
    other = gate_order(one) | {"id": 556} | changes
    one.venue.answers[GATE_ORDERS] = lambda asked: (
        [other] if asked.fields["status"] == "open" else []
    )
    if not changes:
        one.others.append(gate_stop_of_another(one, placed=556))
    await harness.wait_until(
        lambda: [each for each in harness.reports if each.exchange_order_id == "556"], "reported"
    )
    assert {each.order_id for each in harness.reports if each.exchange_order_id == "556"} == {0}
    assert ReportKind.TRIGGERED not in harness.kinds(1)
    await harness.exchange.close()


@each_venue
async def test_a_stop_that_is_met_while_the_gateway_is_stopped(
    name: str, places: Places, recorded_data: Path
) -> None:
    one, harness = await sent_stop(name, places, recorded_data)
    await harness.exchange.close()
    one.is_met = True
    await harness.start().wait_ready()
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    assert not [report for report in harness.reports if report.order_id != 1]


@each_venue
async def test_a_stop_with_a_lost_reply_that_is_met_while_the_gateway_is_stopped(
    name: str, places: Places, recorded_data: Path
) -> None:
    """Only the stored request says that it may exist."""
    timings = evolve(FAST_TIMINGS, lookup_delays_seconds=(60.0,), live_poll_seconds=60.0)
    options = {"loses_reply": True, "state": None, "timings": timings}
    one, harness = await sent_stop(name, places, recorded_data, **options)
    await harness.wait_until(lambda: one.name, "sent")
    await harness.exchange.close()
    assert harness.orders[1].exchange_order_id is None
    one.is_met = True
    harness.timings = FAST_TIMINGS
    await harness.start().wait_ready()
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    placements = [route for route in one.routes if route.startswith("POST")]
    assert [len(one.venue.sent(route)) for route in placements] == [1], "never sent again"
    assert not [report for report in harness.reports if report.order_id != 1]


@each_venue
async def test_executions_of_a_stop_that_are_read_again_belong_to_it(
    name: str, places: Places, recorded_data: Path
) -> None:
    """The process has forgotten the stop, which ended before it started."""

    async def is_own_order(order_id: int) -> bool:
        return order_id == 1

    async def find_own_orders(symbol: str, names: Sequence[str]) -> Mapping[str, int]:
        assert names == [str(one.row["id"])], "Gate's rows of spot have no client order id"
        return dict.fromkeys(names, 1)

    options = {"is_own_order": is_own_order, "find_own_orders": find_own_orders}
    one, harness = await sent_stop(name, places, recorded_data, options=options)
    one.is_met = True
    await harness.wait_for_state(1, "FILLED")
    await harness.exchange.close()
    harness.snapshots.clear()
    await harness.start().wait_ready()
    harness.exchange.start_snapshot(now() - timedelta(minutes=10), None, [one.symbol])
    await harness.wait_until(lambda: harness.snapshots, "snapshot")
    await harness.exchange.close()
    (snapshot,) = harness.snapshots
    assert [report.order_id for _, report in snapshot.trades] == [1]
    assert not [report for report in snapshot.orders if report.order_id != 1]


@pytest.mark.parametrize(
    ("count", "older_seconds", "is_complete"),
    [(99, -3600, True), (100, -3600, False), (100, 30, False), (100, 120, True)],
)
async def test_a_stop_is_absent_only_where_the_ended_ones_reach_back_to_it(
    places: Places, recorded_data: Path, count: int, older_seconds: int, is_complete: bool
) -> None:
    """A full page of younger ones says nothing about an older one; clocks may differ by 60 s."""
    place = places("gate")
    row = load_raw_row(recorded_data, "gate", "orders", 6)
    sent_at = now() - timedelta(hours=1)
    listed_at = int(sent_at.timestamp()) - older_seconds
    ended = {"status": "finished", "finish_as": "cancelled", "create_time": listed_at}
    initial = {**row["initial"], "contract": "ETH_USDT", "text": ""}
    rows = [row | ended | {"id": number, "initial": initial} for number in range(1, count + 1)]
    place.venue.answers["GET /api/v4/futures/usdt/price_orders"] = lambda asked: (
        rows if asked.fields["status"] == "finished" else []
    )
    tracked = TrackedOrder(
        order_id=1,
        symbol="ETH/USDT:USDT",
        side=Side.SELL,
        order_type="stop_market",
        qty=Decimal("0.01"),
        price=None,
        created_at=sent_at,
        client_id=ClientOrderIdCodec(TAG, is_short=True).encode(1, 1),
        has_separate_trigger=True,
    )
    found = await place.lookup(await place.opened()).find(tracked)
    assert found == OrderAbsent(is_complete=is_complete)


async def test_a_row_with_another_tag_leaves_the_order_unknown(
    places: Places, recorded_data: Path
) -> None:
    """It is not reported as absent, nor is its row an order of another program."""
    timings = evolve(FAST_TIMINGS, unbounded_window_seconds=0.3)
    options = {"loses_reply": True, "state": None, "timings": timings}
    one, harness = await sent_stop("gate-spot", places, recorded_data, **options)
    await harness.wait_until(lambda: one.name, "sent")
    one.sent["trigger"]["expiration"] = 3600
    route = "GET /api/v4/spot/price_orders"
    count = len(one.venue.sent(route))
    await harness.wait_until(lambda: len(one.venue.sent(route)) > count + 12, "read six times")
    await harness.exchange.close()
    assert harness.orders[1].state.value == "UNKNOWN"
    assert {report.order_id for report in harness.reports} == {1}
    assert ReportKind.NOT_PLACED not in harness.kinds(1)
