"""Limits on notionals and losses in another currency than dollars."""

from collections.abc import Iterator

import pytest

from kit.gateway.in_process import InProcessGateway
from kit.gateway.limited_account import BTC, KEY, open_limited, reason_of, send, set_limits
from oms.services.performance.account_equity import ReadAccountEquity

UNIT = "ETH"
EXTRA = '{"oms":{"paper":{"source":"manual","maker":"0","taker":"0"}}}'


@pytest.fixture
def counted_in_ether(busy: InProcessGateway) -> Iterator[InProcessGateway]:
    """The gateway with limits in ETH."""
    processor = busy.worker.processor
    before, processor.limit_currency = processor.limit_currency, UNIT
    yield busy
    processor.limit_currency = before


async def test_notionals_are_counted_in_the_currency_of_limits(
    counted_in_ether: InProcessGateway,
) -> None:
    gateway = await open_limited(counted_in_ether, "netting", EXTRA)
    await set_limits(gateway, max_order_notional="2")
    unpriced = await send(gateway)
    assert reason_of(unpriced) == "risk_no_price"
    await gateway.set_price("ETH/USDT", "50", key=KEY)
    refused = await send(gateway, qty="1.001")
    assert reason_of(refused) == "max_order_notional"
    assert (refused["error"]["limit"], refused["error"]["value"]) == ("2", "2.002")
    assert reason_of(await send(gateway)) is None
    await set_limits(gateway, max_order_notional=None, max_total_exposure="3")
    usage = await gateway.client.get(f"/risk/usage?account_id={gateway.account_id}", key=KEY)
    assert usage["currency"] == UNIT
    assert [(row["current"], row["headroom"]) for row in usage["items"]] == [("2", "1")]


async def test_losses_are_counted_in_the_currency_of_limits(
    counted_in_ether: InProcessGateway,
) -> None:
    gateway = await open_limited(counted_in_ether, "netting", EXTRA)
    await gateway.set_price("ETH/USDT", "50", key=KEY)
    await set_limits(gateway, daily_loss_limit="2")
    assert reason_of(await send(gateway, qty="10")) is None
    await gateway.set_price(BTC, "90", key=KEY)
    reader = gateway.worker.processor.read_equity
    assert isinstance(reader, ReadAccountEquity)
    reader.forget()
    refused = await send(gateway, qty="2")
    assert reason_of(refused) == "daily_loss_limit"
    assert refused["error"]["value"] == "2"
