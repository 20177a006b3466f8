"""The drawdown of an account: its high-water mark, what it refuses, and its reset."""

from typing import Any

from kit.databases.sql import fetch_rows
from kit.gateway.in_process import InProcessGateway
from kit.gateway.limited_account import (
    BTC,
    ETH,
    KEY,
    WATCH,
    open_limited,
    put_policy,
    reason_of,
    send,
    set_limits,
)
from kit.polling import poll_until
from oms.services.performance.account_equity import ReadAccountEquity
from oms.worker.equity_schedule import EquityScheduler

NO_FEES = (
    '{"oms":{"paper":{"maker":"0","taker":"0","source":"manual","balances":{"USDT":"10000"}}}}'
)
DRAWDOWN = "max_total_drawdown_pct"


def _scheduler(gateway: InProcessGateway) -> EquityScheduler:
    scheduler = gateway.worker.equity_scheduler
    assert scheduler is not None
    return scheduler


def _forget(gateway: InProcessGateway) -> None:
    reader = gateway.worker.processor.read_equity
    assert isinstance(reader, ReadAccountEquity)
    reader.forget()


async def _open(busy: InProcessGateway, **limits: Any) -> InProcessGateway:
    """Return the gateway with an account of 10000 that has bought 50 BTC at 100."""
    gateway = await open_limited(busy, "netting", NO_FEES)
    await set_limits(gateway, **limits)
    assert reason_of(await send(gateway, qty="50")) is None
    return gateway


async def _take_snapshot(gateway: InProcessGateway) -> None:
    async def lease() -> Any:
        return gateway.worker.processor.keeper.held.get(gateway.account_id)

    take = _scheduler(gateway).take
    await take([await poll_until(lease, bool)])
    # As the scheduler does; without its comparison, so that the next order is compared first.
    last = take.last_of(gateway.account_id)
    assert last is not None
    gateway.worker.processor.states[gateway.account_id].new_snapshots.append(last)


async def _price(gateway: InProcessGateway, price: str) -> None:
    await gateway.set_price(BTC, price, key=KEY)
    _forget(gateway)


async def _events(gateway: InProcessGateway, name: str) -> list[Any]:
    path = f"/oms/events?account_ids={gateway.account_id}"
    items = (await gateway.client.get(path, key=KEY))["items"]
    return [row["payload"] for row in items if row["event"] == name]


async def _reset(gateway: InProcessGateway, caller: str = WATCH, **changes: Any) -> Any:
    body = {"account_id": gateway.account_id, "key": DRAWDOWN, "comment": "reviewed"} | changes
    return await gateway.client("POST", "/risk/reset", body, key=caller)


async def _restart(gateway: InProcessGateway) -> None:
    await gateway.stop_worker()
    gateway.start_worker()
    _forget(gateway)


async def test_a_drawdown_is_kept_until_it_is_reset(busy: InProcessGateway, dsn: str) -> None:
    gateway = await _open(busy, **{DRAWDOWN: "10"})
    await _price(gateway, "120")
    await _take_snapshot(gateway)
    await _price(gateway, "98.01")
    assert reason_of(await send(gateway, symbol=ETH)) is None, "9.995 % below 11000"
    await _price(gateway, "98")
    refused = await send(gateway, symbol=ETH)
    assert reason_of(refused) == "max_drawdown"
    assert (refused["error"]["limit"], refused["error"]["value"]) == ("10", "10")
    assert refused["error"]["set_by_user"] == "watch"
    await _price(gateway, "130")
    assert reason_of(await send(gateway, symbol=ETH)) == "max_drawdown", "the equity recovered"
    assert reason_of(await send(gateway, side="sell", qty="50")) is None, "exits pass"
    await _restart(gateway)
    assert reason_of(await send(gateway, symbol=ETH)) == "max_drawdown"
    await set_limits(gateway, **{DRAWDOWN: "60"})
    assert reason_of(await send(gateway, symbol=ETH)) == "max_drawdown", "reached before"
    (tripped,) = await _events(gateway, "risk_tripped")
    assert (tripped["key"], tripped["reason"], tripped["scope"]) == (
        DRAWDOWN,
        "max_drawdown",
        "account",
    )
    assert (tripped["limit"], tripped["value"]) == ("10", "10")
    usage = await gateway.client.get(f"/risk/usage?account_id={gateway.account_id}", key=KEY)
    assert usage["items"][0]["tripped_at"] is not None

    _forget(gateway)
    answer = await _reset(gateway)
    assert (answer.status, answer.json()["high_water"]) == (200, "11500")
    assert reason_of(await send(gateway, symbol=ETH)) is None
    (reset,) = await _events(gateway, "risk_reset")
    assert (reset["equity"], reset["comment"], reset["actor"]) == ("11500", "reviewed", "watch")
    rows = fetch_rows(
        dsn, "SELECT actor, before_json, comment FROM audit_log WHERE action = 'risk_reset'"
    )
    ((actor, before, comment),) = rows
    assert (actor, comment) == ("watch", "reviewed") and '"drawdown_pct":"10"' in before


async def test_a_reset_makes_the_equity_the_mark(busy: InProcessGateway) -> None:
    gateway = await _open(busy, **{DRAWDOWN: "10"})
    await _take_snapshot(gateway)
    await _price(gateway, "70")
    assert reason_of(await send(gateway, symbol=ETH)) == "max_drawdown"
    assert (await _reset(gateway)).json()["high_water"] == "8500"
    await _restart(gateway)
    assert reason_of(await send(gateway, symbol=ETH)) is None
    await _price(gateway, "53")
    assert reason_of(await send(gateway, symbol=ETH)) == "max_drawdown", "10 % below 8500"
    assert len(await _events(gateway, "risk_tripped")) == 2


async def test_deposits_and_withdrawals_move_the_mark(busy: InProcessGateway) -> None:
    gateway = await _open(busy, **{DRAWDOWN: "10"})
    await _take_snapshot(gateway)
    for amount in ("10000", "-15000"):
        body = {"currency": "USDT", "amount": amount, "comment": "money"}
        path = f"/paper/{gateway.account_id}/deposit"
        assert (await gateway.client("POST", path, body, key=KEY)).status == 200
        _forget(gateway)
        assert reason_of(await send(gateway, symbol=ETH)) is None
    await _price(gateway, "90.1")
    assert reason_of(await send(gateway, symbol=ETH)) is None
    await _price(gateway, "90")
    refused = await send(gateway, symbol=ETH)
    assert refused["error"]["value"] == "10", "500 below a mark of 5000"


async def test_a_drawdown_between_orders_is_kept(busy: InProcessGateway) -> None:
    gateway = await _open(busy, **{DRAWDOWN: "10"})
    await _take_snapshot(gateway)
    await _price(gateway, "70")
    scheduler = _scheduler(gateway)
    scheduler._closed.add(gateway.account_id)  # A snapshot is due.

    async def tripped() -> Any:
        return await _events(gateway, "risk_tripped")

    await poll_until(tripped, bool)
    await _price(gateway, "100")
    assert reason_of(await send(gateway, symbol=ETH)) == "max_drawdown"


async def test_a_loss_of_the_day_is_reported_once(busy: InProcessGateway) -> None:
    gateway = await _open(busy, daily_loss_limit="500", daily_loss_limit_pct="5")
    await _price(gateway, "90")
    for _ in range(2):
        assert reason_of(await send(gateway, symbol=ETH)) == "daily_loss_limit"
    await _restart(gateway)
    assert reason_of(await send(gateway, symbol=ETH)) == "daily_loss_limit"
    (tripped,) = await _events(gateway, "risk_tripped")
    assert (tripped["reason"], tripped["limit"], tripped["value"]) == (
        "daily_loss_limit",
        "500",
        "500",
    )


async def test_a_loss_of_the_day_holds_until_the_next_one(busy: InProcessGateway) -> None:
    gateway = await _open(busy, daily_loss_limit="500")
    await _price(gateway, "90")
    assert reason_of(await send(gateway, symbol=ETH)) == "daily_loss_limit"
    await _price(gateway, "100")
    await _restart(gateway)
    refused = await send(gateway, symbol=ETH)
    assert reason_of(refused) == "daily_loss_limit", "the loss has recovered, the day has not ended"
    assert "until the next day" in refused["error"]["message"]
    await set_limits(gateway, daily_loss_limit="600")
    assert reason_of(await send(gateway, symbol=ETH)) is None, "a raised limit is judged by itself"
    await _price(gateway, "87")
    assert reason_of(await send(gateway, symbol=ETH)) == "daily_loss_limit"
    await _price(gateway, "100")
    assert reason_of(await send(gateway, symbol=ETH)) == "daily_loss_limit"
    assert len(await _events(gateway, "risk_tripped")) == 1


async def test_who_may_not_loosen_limits_may_not_reset(busy: InProcessGateway) -> None:
    gateway = await _open(busy, **{DRAWDOWN: "10"})
    assert (await _reset(gateway, caller=KEY)).status == 403
    assert (await _reset(gateway, comment=" ")).detail["code"] == "comment_required"
    assert (await _reset(gateway, key="daily_loss_limit")).status == 422


async def test_the_day_begins_at_midnight_of_its_zone(busy: InProcessGateway) -> None:
    gateway = await _open(busy, risk_day_zone="Asia/Tokyo", daily_loss_limit="500")
    zone = _scheduler(gateway)._zones([gateway.account_id])
    assert zone == {gateway.account_id: "Asia/Tokyo"}, "snapshots are taken at its midnight"
    wrong = await put_policy(gateway, risk_day_zone="Mars/Phobos")
    assert (wrong.status, wrong.detail["reason"]) == (422, "value")


async def test_snapshots_wait_only_for_a_limit_on_the_drawdown(busy: InProcessGateway) -> None:
    gateway = await _open(busy, daily_loss_limit="5000")
    await _take_snapshot(gateway)
    assert reason_of(await send(gateway, qty="1")) is None
    assert gateway.worker.processor.states[gateway.account_id].new_snapshots == []
