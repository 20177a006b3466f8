"""Orders with an expiry at an exchange that gets none: the gateway cancels them in time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import LINEAR
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.polling import poll_until
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.services.protection import own_cancels


@pytest.fixture
async def setup(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, monkeypatch: pytest.MonkeyPatch
) -> ExchangeSetup:
    """An account at Bybit and a price of 60000; cancels that fail are repeated at once."""
    pauses = tuple(timedelta(milliseconds=ms) for ms in (200, 400, 3000))
    monkeypatch.setattr(own_cancels, "RETRY_AFTER", pauses)
    venue.control("price", symbol=LINEAR, price="60000")
    return await exchange_setup.start_account()


def after(seconds: float) -> str:
    """The time in so many seconds, as a command takes it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def rest(setup: ExchangeSetup, expires_at: str) -> int:
    """Sends an order that rests until then; returns its id."""
    row = await setup.send(time_in_force="GTD", expires_at=expires_at)
    order_id: int = row["order_id"]
    await poll_until(
        lambda: setup.order(order_id), lambda order: order["exchange_order_id"], seconds=20
    )
    return order_id


async def expired(setup: ExchangeSetup, order_id: int) -> dict[str, Any]:
    """Waits until the order has expired; returns its row."""
    row = await setup.wait_for_order(order_id, "CANCELED")
    assert row["cancel_reason"] == "expired"
    assert datetime.fromisoformat(row["closed_at"]) >= datetime.fromisoformat(row["expires_at"])
    return row


async def read_commands(setup: ExchangeSetup) -> list[dict[str, Any]]:
    """The commands by which the gateway canceled orders."""
    path = f"/oms/commands?account_ids={setup.account_id}&since=2020-01-01"
    rows: list[dict[str, Any]] = (await setup.client.get(path))["items"]
    return [row for row in rows if str(row["request_id"]).startswith("oms:expired:")]


async def own_commands(setup: ExchangeSetup) -> list[dict[str, Any]]:
    """The same, once they have ended."""
    return await poll_until(
        lambda: read_commands(setup),
        lambda rows: {row["status"] for row in rows} <= {"done", "failed"},
        seconds=15,
    )


async def test_order_is_canceled_when_its_time_has_come(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    order_id = await rest(setup, after(1))
    sent = venue.books()["orders"][-1]
    assert sent["time_in_force"] == "GTC", "the exchange gets no expiry"
    await expired(setup, order_id)
    (command,) = await own_commands(setup)
    assert command["request_id"].startswith(f"oms:expired:{order_id}:")
    assert (await setup.client.get(f"/oms/orders/{order_id}?view=mt5"))["items"][0]["state"] == 6
    assert venue.books()["orders"][-1]["state"] == "canceled", venue.books()["orders"][-1]
    report = await build_verify_report(setup.gateway.store, Settings())
    assert report["ok"], report["accounts"]


async def test_failed_cancel_is_repeated(setup: ExchangeSetup, venue: LoopbackExchange) -> None:
    order_id = await rest(setup, after(1))
    venue.control("fault", mode="http", status=503, match="POST /v5/order/cancel", count=2)
    await expired(setup, order_id)


async def test_no_cancel_is_stored_while_the_exchange_cannot_be_reached(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    """The account is read in vain until the gateway says so; then the order expires."""
    order_id = await rest(setup, after(2))
    venue.control("fault", mode="refuse_connect", count=None)
    path = f"/oms/accounts/{setup.account_id}/connection"
    await poll_until(lambda: setup.client.get(path), lambda row: row["trouble"], seconds=30)
    at = (await setup.order(order_id))["expires_at"]
    await poll_until(lambda: setup.order(order_id), lambda _: after(-3) > at, seconds=10)
    repeated = len(await read_commands(setup))
    assert repeated <= 3, "the first pauses are 0.2 and 0.4 seconds"
    venue.control("clear")
    await expired(setup, order_id)
    assert len(await read_commands(setup)) <= repeated + 2


async def test_order_expires_that_no_worker_watched(setup: ExchangeSetup) -> None:
    order_id = await rest(setup, after(0.5))
    await setup.gateway.stop_worker()
    row = await setup.order(order_id)
    await poll_until(
        lambda: setup.order(order_id), lambda _: after(0) > row["expires_at"], seconds=5
    )
    await setup.restart_worker(live_allowed=False)
    await expired(setup, order_id)


async def test_expiry_is_moved_without_a_request(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    order_id = await rest(setup, after(3600))
    requests = [path for path in venue.paths() if path.startswith("POST /v5/order/")]
    at = after(7200)
    moved = await setup.send("change_order", order_id=order_id, new_expires_at=at)
    assert moved["status"] == "done"
    assert datetime.fromisoformat((await setup.order(order_id))["expires_at"]) == (
        datetime.fromisoformat(at)
    )
    kept = await setup.send("change_order", order_id=order_id, new_time_in_force="GTC")
    assert kept["status"] == "done"
    assert (await setup.order(order_id))["expires_at"] is None
    assert [path for path in venue.paths() if path.startswith("POST /v5/order/")] == requests
    soon = await setup.send("change_order", order_id=order_id, new_expires_at=after(0.5))
    assert soon["status"] == "done"
    await expired(setup, order_id)


async def test_what_cannot_expire_is_refused(setup: ExchangeSetup) -> None:
    past = await setup.send(time_in_force="GTD", expires_at="2020-01-01T00:00:00Z")
    assert past["error"]["code"] == "validation_error"
    assert past["error"]["message"].endswith("has passed")
    order_id = await rest(setup, after(3600))
    refusals = {
        "too early": {"new_expires_at": "2020-01-01T00:00:00Z"},
        "with a price": {"new_expires_at": after(60), "new_price": "9999"},
        "at once": {"new_time_in_force": "IOC"},
    }
    codes = {
        name: (await setup.send("change_order", order_id=order_id, **terms))["error"]["code"]
        for name, terms in refusals.items()
    }
    assert codes == {
        "too early": "validation_error",
        "with a price": "order_type_not_supported",
        "at once": "validation_error",
    }
    assert (await setup.order(order_id))["status"] == "SUBMITTED"
