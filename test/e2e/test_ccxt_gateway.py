"""Direct ccxt trades through real processes: sent, read back, and found in the ledger."""

import ccxt
import pytest

from ccxt_driver import OmsCcxtExchange
from kit.gateway.processes import Gateway

SYMBOL = "ETH/USDT:USDT"


def test_a_direct_order_is_external_in_the_ledger(gateway: Gateway) -> None:
    config = {"api_key": gateway.api_key, "base_url": gateway.base_url, "timeout_seconds": 20}
    with OmsCcxtExchange(account_id=gateway.netting_account_id, **config) as exchange:
        made = exchange.call_ccxt("create_order", SYMBOL, "market", "buy", 0.5)
        assert (made["status"], made["filled"]) == ("closed", 0.5)
        fetched = exchange.call_ccxt("fetch_order", made["id"], SYMBOL)
        assert (fetched["status"], fetched["filled"], fetched["average"]) == (
            "closed",
            0.5,
            made["average"],
        )
        closed = exchange.call_ccxt("fetch_closed_orders", SYMBOL)
        assert [order["id"] for order in closed] == [made["id"]]

        resting = exchange.call_ccxt("createOrder", SYMBOL, "limit", "buy", 0.5, 100)
        (seen,) = exchange.fetch_open_orders(SYMBOL)
        assert (seen["price"], seen["info"]["reason"]) == (100, "external")
        assert exchange.cancel_order(seen["id"], SYMBOL)["status"] == "canceled"
        with pytest.raises(ccxt.OrderNotFound):
            exchange.call_ccxt("cancel_order", resting["id"], SYMBOL)
        assert exchange.call_ccxt("fetch_canceled_orders")[-1]["id"] == resting["id"]

        exchange.set_leverage(3, SYMBOL)
        assert exchange.fetch_leverage(SYMBOL)["longLeverage"] == 3
        with pytest.raises(ccxt.NotSupported):
            exchange.call_ccxt("fetch_greeks", SYMBOL)
        with pytest.raises(ccxt.PermissionDenied):
            exchange.call_ccxt("withdraw", "USDT", 1, "somewhere")
        closing = exchange.call_ccxt("close_position", SYMBOL)
        assert closing["status"] == "closed"
        assert exchange.fetch_positions([SYMBOL]) == []
    hedge = gateway.account_id
    with OmsCcxtExchange(account_id=hedge, **config) as exchange:
        for side in ("buy", "sell", "buy"):
            exchange.call_ccxt("create_order", SYMBOL, "market", side, 0.1)
        exits = {"takeProfitPrice": 10**5, "stopLossPrice": 1, "reduceOnly": True}
        exchange.call_ccxt("create_order", SYMBOL, "market", "sell", 0.2, None, exits)
        assert [one["status"] for one in exchange.call_ccxt("close_all_positions")] == [
            "closed"
        ] * 2
    assert gateway.verify()["ok"] is True
