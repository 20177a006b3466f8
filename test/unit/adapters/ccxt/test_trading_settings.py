"""What ``extra_config.oms`` takes away from an account, on a client whose answers a test gives."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import FAST_TIMINGS, CcxtHarness
from kit.exchanges.scripted_venue import ScriptedVenue, a_trade_row, an_order_row
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.ccxt.client.request_errors import OutcomeUnknown
from oms.domain.errors import Invalid
from oms.domain.orders.execution_report import ReportKind
from oms.domain.value import evolve
from oms.wire.json import dumps

PACE = evolve(
    FAST_TIMINGS,
    send_within_seconds=2,
    window_seconds=0.3,
    absence_interval_seconds=0.05,
    infer_fills_after_seconds=0.1,
)
LOST = OutcomeUnknown("outcome_unknown", "reset", reason="connection_lost")
Made = Callable[..., Any]


@pytest.fixture
async def venue() -> ScriptedVenue:
    return ScriptedVenue()


@pytest.fixture
async def made(venue: ScriptedVenue) -> AsyncIterator[Made]:
    """Makes a desk with ``oms`` settings of its account."""
    desks: list[CcxtHarness] = []

    async def make(**ours: Any) -> CcxtHarness:
        extra = dumps({"oms": ours})
        check_account(exchange_id="ccxt.bybit", environment="loopback", extra_config=extra)
        desk = CcxtHarness(make_client=lambda: venue, timings=PACE, extra_config=extra).start()
        desks.append(desk)
        return await desk.wait_ready()

    yield make
    for desk in desks:
        await desk.exchange.close()


@pytest.mark.parametrize(
    ("taken", "order"),
    [
        ({"time_in_force": {"linear": ["GTC", "IOC", "PO"]}}, {"time_in_force": "FOK"}),
        ({"time_in_force": "none"}, {}),
        ({"time_in_force": {"linear": ["GTC"]}}, {"post_only": True}),
        ({"post_only": False}, {"post_only": True}),
        ({"post_only": {"linear": False}}, {"time_in_force": "PO"}),
        ({"trigger": False}, {"order_type": "stop_limit", "trigger_price": Decimal(110)}),
        ({"order_types": {"linear": ["limit"]}}, {"order_type": "market", "price": None}),
        ({"reduce_only": "none"}, {"reduce_only": True}),
    ],
)
async def test_what_is_taken_away_is_refused(
    made: Made, venue: ScriptedVenue, taken: dict[str, Any], order: dict[str, Any]
) -> None:
    """Row 6, second half."""
    desk = await made(capabilities=taken)
    price = order.pop("price", "100")
    await desk.send(1, "buy", "1", price, **order)
    (report,) = [each for each in desk.reports if each.order_id == 1]
    assert (report.kind, report.code) == (ReportKind.REFUSED, "order_type_not_supported")
    assert "oms.capabilities" in (report.message or "")
    assert not venue.writes


async def test_what_is_left_is_sent_and_nothing_is_added(made: Made, venue: ScriptedVenue) -> None:
    desk = await made(capabilities={"time_in_force": {"linear": ["IOC", "GTD"]}, "trailing": False})
    await desk.send(1, "buy", "1", "100", time_in_force="IOC")
    await desk.wait_until(lambda: venue.writes, "sent")
    await desk.send(2, "buy", "1", None)
    await desk.wait_until(lambda: len(venue.writes) == 2, "market orders have no time in force")
    venue.answer(0, {"id": "x1"})
    venue.answer(1, {"id": "x2"})


@pytest.mark.parametrize(("most", "seen"), [(1, 1), (3, 3)])
async def test_so_many_writes_are_under_way(
    made: Made, venue: ScriptedVenue, most: int, seen: int
) -> None:
    desk = await made(inflight_writes_max=most)
    for order_id in range(1, 7):
        await desk.send(order_id, "buy", "1", "100")
    for number in range(6):
        await desk.wait_until(lambda n=number: len(venue.writes) > n, "begun", seconds=2)
        await desk.poll_uncommitted() if number == 0 else None
        venue.answer(number, {"id": f"x{number}"})
    assert venue.max_in_flight == seen


async def test_a_cancel_goes_beside_writes_but_not_where_they_are_serial(
    made: Made, venue: ScriptedVenue
) -> None:
    for most, beside in ((2, 1), (1, 0)):
        desk = await made(inflight_writes_max=most)
        venue.writes.clear(), venue.answers.clear()
        venue.open_orders.clear()
        await desk.send(9, "buy", "1", "100")
        await desk.wait_until(lambda: venue.writes, "begun")
        client_id = desk.attempts[9, 1, "place"].client_id
        venue.open_orders.append(an_order_row("x9", client_id))
        venue.answer(0, {"id": "x9"})
        await desk.wait_for_state(9, "SUBMITTED")
        for order_id in range(1, most + 2):
            await desk.send(order_id, "buy", "1", "100")
        await desk.wait_until(lambda n=most: len(venue.writes) == n + 1, "the places are taken")
        await desk.cancel(9)
        await desk.poll_uncommitted()
        assert len(venue.writes) == most + 1 + beside
        assert (venue.writes[-1][0] == "cancel_order") is bool(beside)


async def test_what_was_not_placed_is_sent_once_more_under_its_name(
    made: Made, venue: ScriptedVenue
) -> None:
    desk = await made(unknown_policy="resend")
    venue.ready_answers = [LOST]
    await desk.send(1, "buy", "1", "100")
    first = desk.attempts[1, 1, "place"]
    await desk.wait_until(lambda: len(venue.writes) == 2, "sent once more")
    row = desk.attempts[1, 1, "place"]
    assert row.may_send_until > first.may_send_until, "stored anew before it left"
    venue.answer(1, {"id": "x1"})
    await desk.wait_for_state(1, "SUBMITTED")
    names = {kwargs["params"]["clientOrderId"] for _, _, kwargs in venue.writes}
    assert names == {first.client_id}
    assert list(desk.attempts) == [(1, 1, "place")]


async def test_it_is_sent_once_more_and_not_twice(made: Made, venue: ScriptedVenue) -> None:
    desk = await made(unknown_policy="resend")
    venue.ready_answers = [LOST, LOST]
    await desk.send(1, "buy", "1", "100")
    await desk.wait_for_state(1, "REJECTED")
    assert desk.orders[1].reject_code == "not_placed"
    assert len(venue.writes) == 2


@pytest.mark.parametrize("why", ["deadline", "cancel"])
async def test_it_is_not_sent_after_its_deadline_or_against_a_cancel(
    made: Made, venue: ScriptedVenue, why: str
) -> None:
    desk = await made(unknown_policy="resend")
    venue.ready_answers = [LOST]
    params = {"params": {"deadline_ms": 1500}} if why == "deadline" else {}
    await desk.send(1, "buy", "1", "100", **params)
    if why == "cancel":
        await desk.wait_for_state(1, "UNKNOWN")
        await desk.cancel(1)
    await desk.wait_for_state(1, "REJECTED")
    assert len(venue.writes) == 1


@pytest.mark.parametrize("venue_id", ["binance", "okx", "kraken", "gate"])
def test_resending_is_refused_where_ids_may_come_again(venue_id: str) -> None:
    extra = dumps({"oms": {"unknown_policy": "resend"}})
    with pytest.raises(Invalid) as refused:
        check_account(exchange_id=f"ccxt.{venue_id}", environment="live", extra_config=extra)
    assert refused.value.code == "extra_config_refused"
    assert "oms.unknown_policy" in refused.value.message


@pytest.mark.parametrize(
    ("setting", "is_told"), [({}, True), ({"provisional_deals": False}, False)]
)
async def test_missing_executions_are_inferred_or_not(
    made: Made, venue: ScriptedVenue, setting: dict[str, Any], is_told: bool
) -> None:
    desk = await made(**setting)
    await desk.send(1, "buy", "1", "100")
    await desk.wait_until(lambda: venue.writes, "begun")
    client_id = desk.attempts[1, 1, "place"].client_id
    shown = an_order_row("x1", client_id, filled="0.4", average="100", at=1_700_000_000_005)
    venue.open_orders.append(shown)
    venue.answer(0, {"id": "x1"})
    if not is_told:
        await desk.wait_for_state(1, "SUBMITTED")
        for _ in range(5):
            await desk.poll_uncommitted()
        venue.trades.append(a_trade_row("t1", "x1", client_id, "0.4"))
    await desk.wait_for_state(1, "PARTIALLY_FILLED")
    told = [each.execution.provisional for each in desk.reports if each.execution is not None]
    assert told == [is_told]


@pytest.mark.parametrize("told", [1, "no", None])
def test_a_setting_that_is_no_answer_is_refused(told: object) -> None:
    extra = dumps({"oms": {"provisional_deals": told}})
    with pytest.raises(Invalid, match=r"oms\.provisional_deals"):
        check_account(exchange_id="ccxt.bybit", environment="live", extra_config=extra)
