"""Limits counted against the equity of the account, and what the day has lost."""

from datetime import timedelta

import pytest

from kit.gateway.in_process import InProcessGateway, now
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
from oms.services.performance.account_equity import ReadAccountEquity

NO_FEES = '{"maker":"0","taker":"0","source":"manual","balances":{"USDT":"BALANCE"}}'


async def _open(busy: InProcessGateway, balance: str) -> InProcessGateway:
    """Return the gateway with a netting account without fees."""
    paper = NO_FEES.replace("BALANCE", balance)
    return await open_limited(busy, "netting", f'{{"oms":{{"paper":{paper}}}}}')


def _reader(gateway: InProcessGateway) -> ReadAccountEquity:
    reader = gateway.worker.processor.read_equity
    assert isinstance(reader, ReadAccountEquity)
    return reader


async def test_a_position_is_limited_to_a_share_of_the_equity(busy: InProcessGateway) -> None:
    """R4: of an equity of 10000 an entry of 1001 is refused, one of 1000 accepted."""
    gateway = await _open(busy, "10000")
    body = {"account_id": gateway.account_id, "preset": "standard", "comment": "start"}
    answer = await gateway.client("POST", "/risk/policy/preset", body, key=WATCH)
    assert answer.status == 200, answer.body
    limit = {"order_type": "limit", "price": "100"}
    refused = await send(gateway, qty="10.01", **limit)
    assert reason_of(refused) == "max_capital_pct"
    assert (refused["error"]["limit"], refused["error"]["value"]) == ("10", "10.01")
    assert reason_of(await send(gateway, qty="10", **limit)) is None


async def test_a_day_that_lost_its_limit_opens_nothing(busy: InProcessGateway) -> None:
    """R5: after a loss of 5000 entries are refused, closing works, the next day allows entries."""
    gateway = await _open(busy, "100000")
    await set_limits(gateway, daily_loss_limit="5000")
    assert reason_of(await send(gateway, qty="100")) is None
    assert reason_of(await send(gateway, symbol=ETH, qty="1")) is None
    await gateway.set_price(BTC, "50.1", key=KEY)
    _reader(gateway).forget()
    assert reason_of(await send(gateway, symbol=ETH, qty="1")) is None
    await gateway.set_price(BTC, "50", key=KEY)
    _reader(gateway).forget()
    refused = await send(gateway, symbol=ETH, qty="1")
    assert reason_of(refused) == "daily_loss_limit"
    assert (refused["error"]["limit"], refused["error"]["value"]) == ("5000", "5000")
    usage = await gateway.client.get(f"/risk/usage?account_id={gateway.account_id}", key=KEY)
    (row,) = usage["items"]
    assert (row["key"], row["current"], row["headroom"]) == ("daily_loss_limit", "5000", "0")
    assert reason_of(await send(gateway, side="sell", qty="100")) is None
    _reader(gateway).forget()
    assert reason_of(await send(gateway, symbol=ETH, qty="1")) == "daily_loss_limit"
    assert reason_of(await send(gateway, symbol=ETH, side="sell", qty="2")) is None
    _reader(gateway).forget()
    equity = await _reader(gateway)(gateway.account_id, now())
    assert equity.day_result == -5000
    scheduler = gateway.worker.equity_scheduler
    assert scheduler is not None
    await scheduler.take([gateway.worker.processor.keeper.held[gateway.account_id]])
    _reader(gateway).forget()
    tomorrow = await _reader(gateway)(gateway.account_id, now() + timedelta(days=1))
    assert (tomorrow.day_result, tomorrow.at_day_start) == (0, 95000)


@pytest.mark.parametrize("key", ["daily_loss_limit", "daily_loss_limit_pct"])
async def test_what_is_measured_over_accounts_is_not_set_for_a_strategy(
    busy: InProcessGateway, key: str
) -> None:
    gateway = await _open(busy, "1000")
    answer = await put_policy(gateway, "strategy", 1, **{key: 1})
    assert (answer.status, answer.detail["reason"]) == (422, "scope")
