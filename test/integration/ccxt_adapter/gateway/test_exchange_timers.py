"""The timer of an exchange behind a dead-man switch: set, renewed, off, and it cancels alone."""

from typing import Any

from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.polling import poll_until

TIMER = "cancel-all-after"


async def start(setup: ExchangeSetup, venue: LoopbackExchange) -> None:
    setup.exchange_id = "ccxt.okx"
    await setup.start_account(**venue.startup["extra_config"]["okx"], rateLimit=2)


async def arm(setup: ExchangeSetup, timeout_seconds: int = 30) -> int:
    body = {
        "account_ids": [setup.account_id],
        "timeout_seconds": timeout_seconds,
        "action": "cancel_entries",
    }
    answer = await setup.client("POST", "/risk/deadman", body)
    assert answer.status == 200, answer.body
    switch_id: int = answer.json()["id"]
    return switch_id


async def wait_for_timer(setup: ExchangeSetup, *, is_on: bool, reason: str | None = None) -> Any:
    """The timer of the only switch once it is on or off, for the reason."""

    async def read() -> Any:
        (switch,) = (await setup.client.get("/risk/deadman?active=false"))["items"]
        return next(iter(switch["exchange_timers"]), None)

    def is_expected(row: Any) -> bool:
        return row is not None and ((row["until"] is not None), row["reason"]) == (is_on, reason)

    return await poll_until(read, is_expected, 15)


async def test_the_exchange_cancels_by_itself_when_the_worker_is_gone(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await start(exchange_setup, venue)
    order_id = (await exchange_setup.send())["order_id"]
    await exchange_setup.wait_for_order(order_id, "SUBMITTED")
    switch_id = await arm(exchange_setup)
    first = await wait_for_timer(exchange_setup, is_on=True)
    assert first["account_id"] == exchange_setup.account_id
    sent = len(venue.paths(TIMER))

    async def beat_until_renewed() -> int:
        assert (
            await exchange_setup.client("POST", f"/risk/deadman/{switch_id}/beat")
        ).status == 200
        return len(venue.paths(TIMER))

    await poll_until(beat_until_renewed, lambda count: count > sent, 15)
    # The process ends without a word to the exchange.
    await exchange_setup.gateway.stop_worker()
    sent = len(venue.paths(TIMER))
    assert [row["state"] for row in venue.books()["orders"]] == ["new"]

    venue.control("clock", advance_s=130)

    try:
        assert [row["state"] for row in venue.books()["orders"]] == ["canceled"]
        assert len(venue.paths(TIMER)) == sent
    finally:
        venue.control("clock", offset_s=0)
    exchange_setup.gateway.worker.processor.states.clear()
    exchange_setup.gateway.start_worker()
    await exchange_setup.wait_for_order(order_id, "CANCELED")
    disarmed = await exchange_setup.client("DELETE", f"/risk/deadman/{switch_id}")
    assert disarmed.status == 200
    await wait_for_timer(exchange_setup, is_on=False)
    again = (await exchange_setup.send())["order_id"]
    await exchange_setup.wait_for_order(again, "SUBMITTED")
    venue.control("clock", advance_s=130)
    venue.control("clock", offset_s=0)
    assert [row["state"] for row in venue.books()["orders"]] == ["canceled", "new"]


async def test_a_timer_that_no_worker_reports_is_listed(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await start(exchange_setup, venue)
    await exchange_setup.gateway.stop_worker()
    exchange_setup.gateway.worker.processor.states.clear()
    switch_id = await arm(exchange_setup)
    exchange_setup.gateway.start_worker()
    await wait_for_timer(exchange_setup, is_on=False, reason="not_reported")
    assert venue.paths(TIMER) == []
    assert (await exchange_setup.client("DELETE", f"/risk/deadman/{switch_id}")).status == 200


async def test_a_timer_of_each_symbol_cancels_where_orders_rest(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    """Binance counts for each contract: a symbol that gets its first order is set as well."""
    exchange_setup.exchange_id = "ccxt.binance"
    await exchange_setup.start_account(**venue.startup["extra_config"]["binance_tls"], rateLimit=2)
    spot = (await exchange_setup.send(symbol="BTC/USDT", price="30000"))["order_id"]
    await exchange_setup.wait_for_order(spot, "SUBMITTED")
    switch_id = await arm(exchange_setup)
    await wait_for_timer(exchange_setup, is_on=False, reason="no_orders")
    assert venue.paths("countdownCancelAll") == []
    ids = [(await exchange_setup.send())["order_id"]]
    await wait_for_timer(exchange_setup, is_on=True)
    assert len(venue.paths("countdownCancelAll")) == 1
    other = {"symbol": "ETH/USDT:USDT", "price": "1000", "qty": "0.1"}
    ids.append((await exchange_setup.send(**other))["order_id"])
    for order_id in ids:
        await exchange_setup.wait_for_order(order_id, "SUBMITTED")
    await poll_until(
        lambda: exchange_setup.client.get("/risk/deadman"),
        lambda _: len(venue.paths("countdownCancelAll")) == 3,
        15,
    )
    await exchange_setup.gateway.stop_worker()
    venue.control("clock", advance_s=130)
    try:
        states = [row["state"] for row in venue.books()["orders"]]
        assert states == ["new", "canceled", "canceled"], "orders on spot have no timer"
    finally:
        venue.control("clock", offset_s=0)
    exchange_setup.gateway.worker.processor.states.clear()
    exchange_setup.gateway.start_worker()
    for order_id in ids:
        await exchange_setup.wait_for_order(order_id, "CANCELED")
    answer = await exchange_setup.client("DELETE", f"/risk/deadman/{switch_id}")
    assert answer.status == 200, answer.body
    await wait_for_timer(exchange_setup, is_on=False)


async def test_no_timer_runs_beside_exits_and_failures_are_shown(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await start(exchange_setup, venue)
    venue.control("fault", mode="http", match=TIMER, count=1)
    entry = await exchange_setup.send(order_type="market", price=None)
    await exchange_setup.wait_for_order(entry["order_id"], "FILLED")
    exit_order = await exchange_setup.send(side="sell", price="90000", reduce_only=True)
    assert exit_order["ok"], exit_order["error"]
    switch_id = await arm(exchange_setup)
    # A worker before may have left a timer: it is switched off first, and that fails once.
    await wait_for_timer(exchange_setup, is_on=True, reason="outcome_unknown")
    await wait_for_timer(exchange_setup, is_on=False, reason="holds_exits")
    await exchange_setup.send("cancel_order", order_id=exit_order["order_id"])
    await wait_for_timer(exchange_setup, is_on=True)
    assert (await exchange_setup.client("DELETE", f"/risk/deadman/{switch_id}")).status == 200
    await wait_for_timer(exchange_setup, is_on=False)
