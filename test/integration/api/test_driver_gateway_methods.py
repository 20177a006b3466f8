"""The driver's methods of the gateway, against a gateway: groups of accounts and price alerts."""

from collections.abc import AsyncIterator

import pytest

from ccxt_driver import OmsCcxtAsyncExchange
from ccxt_driver.errors import OmsDriverError
from kit.gateway.in_process import InProcessGateway
from kit.gateway.limited_account import BTC, KEY, open_limited, set_limits
from kit.http.http_server import serve_http

ORDER = (BTC, "limit", "buy", 4, 90)


@pytest.fixture
async def driver(busy: InProcessGateway) -> AsyncIterator[OmsCcxtAsyncExchange]:
    """A driver of an account at prices of 100."""
    gateway = await open_limited(busy, "netting")
    async with serve_http(gateway.app) as server:
        url = f"http://127.0.0.1:{server.port}"
        driver = OmsCcxtAsyncExchange(api_key=KEY, account_id=gateway.account_id, base_url=url)
        yield driver
        await driver.close()


async def test_a_group_order_is_one_command_for_each_account(
    busy: InProcessGateway, driver: OmsCcxtAsyncExchange
) -> None:
    members = [{"account_id": busy.account_id, "ratio": "0.5"}]
    body = {"name": "half", "members": members}
    created = await busy.client("POST", "/account-groups", body, key=KEY)
    assert created.status in (200, 201), created.body
    (group,) = await driver.fetch_account_groups()
    (result,) = await driver.create_group_order(group["group_id"], *ORDER)
    assert (result["ok"], result["order"]["qty"]) == (True, "2")
    await set_limits(busy, max_order_notional="1")
    with pytest.raises(OmsDriverError) as refused:
        await driver.create_group_order(group["group_id"], *ORDER)
    assert refused.value.reason == "max_order_notional"


async def test_price_alerts_are_created_listed_and_deleted(driver: OmsCcxtAsyncExchange) -> None:
    alert = await driver.create_price_alert(BTC, "above", 9000000, "look")
    assert (alert["price"], alert["note"]) == ("9000000", "look")
    assert await driver.fetch_price_alerts() == [alert]
    assert (await driver.cancel_price_alert(alert["alert_id"]))["ok"]
    assert await driver.fetch_price_alerts() == []
    with pytest.raises(OmsDriverError) as missing:
        await driver.cancel_price_alert(alert["alert_id"])
    assert missing.value.code == "not_found"
