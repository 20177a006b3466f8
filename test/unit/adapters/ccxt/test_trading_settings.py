"""Restrictions in ``extra_config.oms`` of an account, over a scripted client."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import ACCOUNT, FAST_TIMINGS, ONE_BY_ONE, CcxtHarness
from kit.exchanges.scripted_venue import ScriptedVenue, a_trade_row, an_order_row
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.ccxt.client.request_errors import OutcomeUnknown
from oms.adapters.ccxt.trading_settings import load_trading_settings
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.errors import Invalid
from oms.domain.orders.execution_report import ReportKind
from oms.domain.value import evolve
from oms.wire.json import dumps

TIMINGS = evolve(
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
    """Makes a harness with ``oms`` settings of its account."""
    harnesses: list[CcxtHarness] = []

    async def make(options: dict[str, Any] | None = None, **ours: Any) -> CcxtHarness:
        extra = dumps({"oms": ours, "options": options or {}})
        check_account(exchange_id="ccxt.bybit", environment="loopback", extra_config=extra)
        harness = CcxtHarness(
            make_client=lambda: venue, timings=TIMINGS, extra_config=extra
        ).start()
        harnesses.append(harness)
        return await harness.wait_ready()

    yield make
    for harness in harnesses:
        await harness.exchange.close()


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
async def test_a_restricted_capability_is_refused(
    made: Made, venue: ScriptedVenue, taken: dict[str, Any], order: dict[str, Any]
) -> None:
    """Row 6, second half."""
    harness = await made(capabilities=taken)
    price = order.pop("price", "100")
    await harness.send(1, "buy", "1", price, **order)
    (report,) = [each for each in harness.reports if each.order_id == 1]
    assert (report.kind, report.code) == (ReportKind.REFUSED, "order_type_not_supported")
    assert "oms.capabilities" in (report.message or "")
    assert not venue.writes


async def test_allowed_values_are_sent_and_nothing_is_added(
    made: Made, venue: ScriptedVenue
) -> None:
    harness = await made(
        capabilities={"time_in_force": {"linear": ["IOC", "GTD"]}, "trailing": False}
    )
    await harness.send(1, "buy", "1", "100", time_in_force="IOC")
    await harness.wait_until(lambda: venue.writes, "sent")
    await harness.send(2, "buy", "1", None)
    await harness.wait_until(lambda: len(venue.writes) == 2, "market orders have no time in force")
    venue.answer(0, {"id": "x1"})
    venue.answer(1, {"id": "x2"})


@pytest.mark.parametrize(("most", "seen"), [(1, 1), (3, 3)])
async def test_concurrent_writes_are_limited(
    made: Made, venue: ScriptedVenue, most: int, seen: int
) -> None:
    harness = await made(inflight_writes_max=most)
    for order_id in range(1, 7):
        await harness.send(order_id, "buy", "1", "100")
    for number in range(6):
        await harness.wait_until(lambda n=number: len(venue.writes) > n, "wait_writes", seconds=2)
        await harness.poll_uncommitted() if number == 0 else None
        venue.answer(number, {"id": f"x{number}"})
    assert venue.max_in_flight == seen


async def test_a_cancel_has_an_extra_slot_unless_writes_are_serial(
    made: Made, venue: ScriptedVenue
) -> None:
    for most, beside in ((2, 1), (1, 0)):
        harness = await made(inflight_writes_max=most)
        venue.writes.clear(), venue.answers.clear()
        venue.open_orders.clear()
        await harness.send(9, "buy", "1", "100")
        await harness.wait_until(lambda: venue.writes, "wait_writes")
        client_id = harness.attempts[9, 1, "place"].client_id
        venue.open_orders.append(an_order_row("x9", client_id))
        venue.answer(0, {"id": "x9"})
        await harness.wait_for_state(9, "SUBMITTED")
        for order_id in range(1, most + 2):
            await harness.send(order_id, "buy", "1", "100")
        await harness.wait_until(lambda n=most: len(venue.writes) == n + 1, "the slots are taken")
        await harness.cancel(9)
        await harness.poll_uncommitted()
        assert len(venue.writes) == most + 1 + beside
        assert (venue.writes[-1][0] == "cancel_order") is bool(beside)


async def test_an_order_not_placed_is_sent_once_more_under_its_id(
    made: Made, venue: ScriptedVenue
) -> None:
    harness = await made(unknown_policy="resend")
    venue.ready_answers = [LOST]
    await harness.send(1, "buy", "1", "100")
    first = harness.attempts[1, 1, "place"]
    await harness.wait_until(lambda: len(venue.writes) == 2, "sent once more")
    row = harness.attempts[1, 1, "place"]
    assert row.may_send_until > first.may_send_until, "stored again before it is sent"
    venue.answer(1, {"id": "x1"})
    await harness.wait_for_state(1, "SUBMITTED")
    names = {kwargs["params"]["clientOrderId"] for _, _, kwargs in venue.writes}
    assert names == {first.client_id}
    assert list(harness.attempts) == [(1, 1, "place")]


async def test_it_is_resent_once_and_not_twice(made: Made, venue: ScriptedVenue) -> None:
    harness = await made(unknown_policy="resend")
    venue.ready_answers = [LOST, LOST]
    await harness.send(1, "buy", "1", "100")
    await harness.wait_for_state(1, "REJECTED")
    assert harness.orders[1].reject_code == "not_placed"
    assert len(venue.writes) == 2


@pytest.mark.parametrize("why", ["deadline", "cancel"])
async def test_it_is_not_resent_after_its_deadline_or_a_cancel(
    made: Made, venue: ScriptedVenue, why: str
) -> None:
    harness = await made(unknown_policy="resend")
    venue.ready_answers = [LOST]
    params = {"params": {"deadline_ms": 1500}} if why == "deadline" else {}
    await harness.send(1, "buy", "1", "100", **params)
    if why == "cancel":
        await harness.wait_for_state(1, "UNKNOWN")
        await harness.cancel(1)
    await harness.wait_for_state(1, "REJECTED")
    assert len(venue.writes) == 1


async def test_absence_is_concluded_after_the_receive_window(
    made: Made, venue: ScriptedVenue
) -> None:
    harness = await made(options={"recvWindow": 6_500})
    venue.ready_answers = [LOST]
    await harness.send(1, "buy", "1", "100")
    await harness.wait_for_state(1, "REJECTED")
    row = harness.attempts[1, 1, "place"]
    [last] = [each for each in harness.reports if each.kind is ReportKind.NOT_PLACED]
    assert (last.received_at - row.created_at).total_seconds() >= TIMINGS.window_seconds + 1.5


@pytest.mark.parametrize("name", ["recvWindow", "timestamp"])
async def test_an_order_cannot_prolong_its_own_validity(
    made: Made, venue: ScriptedVenue, name: str
) -> None:
    harness = await made()
    await harness.send(1, "buy", "1", "100", params={name: 60_000})
    (report,) = [each for each in harness.reports if each.order_id == 1]
    assert (report.kind, report.code) == (ReportKind.REFUSED, "order_type_not_supported")
    assert not venue.writes


@pytest.mark.parametrize("venue_id", ["binance", "okx", "kraken", "gate"])
def test_resending_is_refused_where_ids_can_be_reused(venue_id: str) -> None:
    extra = dumps({"oms": {"unknown_policy": "resend"}})
    with pytest.raises(Invalid) as refused:
        check_account(exchange_id=f"ccxt.{venue_id}", environment="live", extra_config=extra)
    assert refused.value.code == "extra_config_refused"
    assert "oms.unknown_policy" in refused.value.message


@pytest.mark.parametrize(
    ("setting", "is_reported"), [({}, True), ({"provisional_deals": False}, False)]
)
async def test_missing_executions_are_inferred_or_not(
    made: Made, venue: ScriptedVenue, setting: dict[str, Any], is_reported: bool
) -> None:
    harness = await made(**setting)
    await harness.send(1, "buy", "1", "100")
    await harness.wait_until(lambda: venue.writes, "wait_writes")
    client_id = harness.attempts[1, 1, "place"].client_id
    shown = an_order_row("x1", client_id, filled="0.4", average="100", at=1_700_000_000_005)
    venue.open_orders.append(shown)
    venue.answer(0, {"id": "x1"})
    if not is_reported:
        await harness.wait_for_state(1, "SUBMITTED")
        for _ in range(5):
            await harness.poll_uncommitted()
        venue.trades.append(a_trade_row("t1", "x1", client_id, "0.4"))
    await harness.wait_for_state(1, "PARTIALLY_FILLED")
    value = [each.execution.provisional for each in harness.reports if each.execution is not None]
    assert value == [is_reported]


def test_orders_share_no_request_where_the_account_excludes_it() -> None:
    account = evolve(ACCOUNT, extra_config=ONE_BY_ONE)
    batch = get_profile("bybit").order_batch
    assert batch is not None and load_trading_settings(ACCOUNT).allowed_batch(batch) is batch
    allowed = load_trading_settings(account).allowed_batch(batch)
    assert allowed is not None and not allowed.kinds


@pytest.mark.parametrize("value", [1, "no", None])
def test_a_setting_of_the_wrong_type_is_refused(value: object) -> None:
    extra = dumps({"oms": {"provisional_deals": value}})
    with pytest.raises(Invalid, match=r"oms\.provisional_deals"):
        check_account(exchange_id="ccxt.bybit", environment="live", extra_config=extra)
