"""Accounts with exchange streams through every layer: a fill becomes a deal immediately.

ccxt is the real one and unmodified; the exchange is a process that speaks Bybit's and Binance's
protocols.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from kit.exchanges.loopback_process import run_loopback
from kit.gateway.processes import Gateway
from kit.http.client import call, get
from kit.polling import wait_until

SYMBOL = "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def joined(gateway: Gateway) -> Iterator[dict[str, int]]:
    """Accounts at a loopback exchange by their labels."""
    _, body, _ = call(gateway, "GET", "/user/api-keys")
    grant = str(body["items"][0]["api_key_id"])
    options = ("--join", gateway.base_url, "--api-key", gateway.admin_api_key, "--grant", grant)
    with run_loopback(*options) as venue:
        yield {row["label"]: row["account_id"] for row in venue.next_line()["joined"]}


@pytest.mark.parametrize("label", ["loopback", "loopback binance"])
def test_a_streamed_fill_becomes_a_deal(
    gateway: Gateway, joined: dict[str, int], label: str
) -> None:
    account_id = joined[label]
    payload = {"symbol": SYMBOL, "side": "buy", "qty": "0.01", "order_type": "market"}
    body = {"account_id": account_id, "command": "send_order", "payload": payload}
    _, body, _ = call(gateway, "POST", "/oms/commands?wait_ms=20000", body)
    assert body["results"][0]["status"] == "done"

    def deals() -> list[dict[str, Any]]:
        path = f"/oms/deals?account_ids={account_id}&cursor="
        found: list[dict[str, Any]] = get(gateway, path)["items"]
        return found

    wait_until(deals, 20, "the deal")
    assert [(deal["qty"], deal["origin"]) for deal in deals()] == [("0.01", "exchange_stream")]
