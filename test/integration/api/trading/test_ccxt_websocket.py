"""``ccxt``/``call`` on the WebSocket: the same calls and errors as over HTTP."""

from typing import Any

from kit.gateway.in_process import InProcessGateway
from kit.http.asgi_websocket import connect_websocket

SYMBOL = "BTC/USDT:USDT"


async def test_ccxt_calls_over_websocket(gateway: InProcessGateway) -> None:
    gateway.start_worker()
    price = {"account_id": gateway.account_id, "symbol": SYMBOL, "price": "50000"}
    assert (await gateway.client("POST", "/paper/price", price)).status == 200
    async with connect_websocket(gateway.app, gateway.client.key) as socket:

        async def call(func: str, *args: Any) -> Any:
            payload = {"account_id": gateway.account_id, "func": func, "args": list(args)}
            return await socket.request("call", payload, "ccxt")

        result = await call("createOrder", SYMBOL, "market", "buy", 0.01)
        assert (result["ok"], result["event"]) == (True, "ccxt_result")
        assert result["payload"]["result"]["status"] == "closed"
        result = await call("fetch_positions")
        assert result["payload"]["result"][0]["contracts"] == 0.01
        for func, code, ccxt_class in (
            ("withdraw", "ccxt_method_not_allowed", "PermissionDenied"),
            ("watch_ticker", "unsupported_func", "BadRequest"),
            ("fetch_greeks", "unsupported_func", "NotSupported"),
            ("create_order", "validation_error", "InvalidOrder"),
        ):
            result = await call(func)
            assert (result["ok"], result["payload"]["code"]) == (False, "ccxt_error")
            detail = result["payload"]["detail"]
            assert (detail["code"], detail["ccxt_class"]) == (code, ccxt_class)
