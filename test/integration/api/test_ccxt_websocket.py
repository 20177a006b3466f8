"""The WebSocket's ``ccxt``/``call``: the same calls, the same refusals."""

from typing import Any

from kit.gateway.in_process import InProcessGateway
from kit.http.asgi_websocket import connect_websocket

SYMBOL = "BTC/USDT:USDT"


async def test_calls_by_frame(gateway: InProcessGateway) -> None:
    gateway.start_worker()
    price = {"account_id": gateway.account_id, "symbol": SYMBOL, "price": "50000"}
    assert (await gateway.client("POST", "/paper/price", price)).status == 200
    async with connect_websocket(gateway.app, gateway.client.key) as socket:

        async def call(func: str, *args: Any) -> Any:
            payload = {"account_id": gateway.account_id, "func": func, "args": list(args)}
            return await socket.request("call", payload, "ccxt")

        told = await call("createOrder", SYMBOL, "market", "buy", 0.01)
        assert (told["ok"], told["event"]) == (True, "ccxt_result")
        assert told["payload"]["result"]["status"] == "closed"
        told = await call("fetch_positions")
        assert told["payload"]["result"][0]["contracts"] == 0.01
        for func, code, ccxt_class in (
            ("withdraw", "ccxt_method_not_allowed", "PermissionDenied"),
            ("watch_ticker", "unsupported_func", "BadRequest"),
            ("fetch_greeks", "unsupported_func", "NotSupported"),
            ("create_order", "validation_error", "InvalidOrder"),
        ):
            told = await call(func)
            assert (told["ok"], told["payload"]["code"]) == (False, "ccxt_error")
            detail = told["payload"]["detail"]
            assert (detail["code"], detail["ccxt_class"]) == (code, ccxt_class)
