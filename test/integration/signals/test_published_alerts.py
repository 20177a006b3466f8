"""Alert messages as people publish them for other receivers, filled in as TradingView does.

The shapes (names of fields and kinds of values) were found in public repositories and manuals. Each
is taken as it is meant, or refused with the reason that says what to change.
"""

from typing import Any

from kit.databases.sql import fetch_number
from kit.gateway.in_process import InProcessGateway
from kit.gateway.signal_senders import add_source, commands, post

SPOT, SWAP, NOW = "BTC/USDT", "BTC/USDT:USDT", "timenow"

#: What the shape is known from, the message, and what it means: symbol, action, quantity, size.
TAKEN: dict[str, tuple[dict[str, Any], tuple[str, str, str | None, str | None]]] = {
    "signal router, indicator": (
        {"ticker": "BTCUSDT", "action": "buy", "price": "420.69"},
        (SPOT, "buy", None, None),
    ),
    "signal router, strategy": (
        {
            "ticker": "BTCUSDT",
            "action": "sell",
            "sentiment": "flat",
            "quantity": "0.5",
            "price": "61000",
        },
        (SPOT, "sell", "0.5", None),
    ),
    "signal router, custom code": (
        {
            "ticker": "BTCUSDT",
            "action": "buy",
            "signalPrice": 143.12,
            "quantity": 1,
            "takeProfit": {"percent": 10},
        },
        (SPOT, "buy", "1", None),
    ),
    "order copier with pointer": (
        {
            "ticker": "BTCUSDT.P",
            "action": "buy",
            "prev_position": "flat",
            "quantity": "0.1",
            "pointer": "m1",
        },
        (SWAP, "buy", "0.1", None),
    ),
    "stock bridge, one direction": (
        {"symbol": "BTCUSDT", "action": "BUY"},
        (SPOT, "buy", None, None),
    ),
    "stock bridge, both directions": (
        {"symbol": "BTCUSDT.P", "action": "SELL", "position_size": "-2"},
        (SWAP, "position_size", None, "-2"),
    ),
    "lambda function": (
        {
            "time": NOW,
            "ticker": "BTCUSDT",
            "action": "buy",
            "order_price": "61000",
            "order_comment": "in",
        },
        (SPOT, "buy", None, None),
    ),
    "exchange bot with strategy name": (
        {"action": "sell", "symbol": "BTCUSDT.P", "strategy": "trend"},
        (SWAP, "sell", None, None),
    ),
    "contracts and state before": (
        {
            "ticker": "BTCUSDT.P",
            "action": "sell",
            "contracts": "0.2",
            "price": "61000",
            "order_id": "Short",
            "market_position": "short",
            "market_position_size": "0.2",
            "prev_market_position": "flat",
            "prev_market_position_size": "0",
            "timestamp": NOW,
        },
        (SWAP, "sell", "0.2", None),
    ),
    "contracts, state and reason": (
        {"strategy": "t", "action": "buy", "contracts": 0.25, "ticker": "BINANCE:BTCUSDT"},
        (SPOT, "buy", "0.25", None),
    ),
    "size with sign as number": (
        {"ticker": "BTCUSDT.P", "action": "buy", "position_size": 3, "strategy_name": "n"},
        (SWAP, "position_size", None, "3"),
    ),
    "size with side as word": (
        {"ticker": "BTCUSDT.P", "position_size": "1.5", "market_position": "short"},
        (SWAP, "position_size", None, "-1.5"),
    ),
    "flat as size": (
        {"ticker": "BTCUSDT.P", "action": "buy", "position_size": "0", "market_position": "flat"},
        (SWAP, "position_size", None, "0"),
    ),
    "side and amount as number": (
        {"symbol": "BTC-USDT", "side": "buy", "qty": 0.1, "exchange": "BINANCE"},
        (SPOT, "buy", "0.1", None),
    ),
    "chart data beside the order": (
        {
            "strategy_name": "V",
            "symbol": "BTCUSDT",
            "side": "buy",
            "quantity": "0.3",
            "order_type": "market",
            "open": "60000",
            "close": "61000",
            "ATR": "12.5",
            "opposite": "1",
        },
        (SPOT, "buy", "0.3", None),
    ),
    "limit order": (
        {
            "symbol": "BTC_USDT",
            "action": "sell",
            "order_type": "LIMIT",
            "price": "70000",
            "qty": "0.1",
        },
        (SPOT, "sell", "0.1", None),
    ),
    "id and time of the event": (
        {
            "event_id": "e1",
            "account": "a",
            "ticker": "BTCUSDT",
            "action": "buy",
            "sentiment": "long",
            "price": 61000,
        },
        (SPOT, "buy", None, None),
    ),
    "quotes of the chart": (
        {
            "open": 1,
            "high": 2,
            "low": 1,
            "close": 2,
            "ticker": "BTCUSDT",
            "volume": 9,
            "action": "buy",
        },
        (SPOT, "buy", None, None),
    ),
    "close by name": (
        {"ticker": "BTCUSDT.P", "action": "close", "quantity": "0.1"},
        (SWAP, "close", None, None),
    ),
}

_NO_JSON = "body: the text is not valid JSON: Expecting value at line 1 column 1"

#: Messages that are refused, the reason, and what the answer says.
REFUSED: dict[str, tuple[dict[str, Any] | str, str | None, str]] = {
    "state in place of an action": (
        {"ticker": "BTCUSDT", "action": "long"},
        "invalid_side",
        "action: one of buy, sell, close is expected",
    ),
    "exit as an action": (
        {"ticker": "BTCUSDT", "action": "exit"},
        "invalid_side",
        "action: one of buy, sell, close is expected",
    ),
    "action in the field of the order type": (
        {"symbol": "BTCUSDT", "type": "BUY", "volume": 1},
        "invalid_side",
        "action: Field required",
    ),
    "placeholder of a strategy in an alert of an indicator": (
        {"ticker": "BTCUSDT", "action": "{{strategy.order.action}}"},
        "unfilled_placeholder",
        "action: a placeholder was not filled in: "
        "those of orders work in alerts of strategies only",
    ),
    "nested": (
        {"instrument": {"ticker": "BTCUSDT"}, "order": {"action": "buy", "quantity": "1"}},
        None,
        "ticker: Field required",
    ),
    "wrapped": (
        {"data": {"ticker": "BTC/USDT", "action": "buy"}, "key": "k"},
        None,
        "ticker: Field required",
    ),
    "one line of text": ("BUY BTCUSDT 61000", None, _NO_JSON),
    "fields between bars": ("key|strategy|buy|BTCUSDT", None, _NO_JSON),
    "pairs with equals signs": ("action=buy;instrument=BTCUSDT;qty=1;", None, _NO_JSON),
    "pairs with colons": ("order_action:buy,contracts:1,ticker:BTCUSDT", None, _NO_JSON),
    "market of another exchange": (
        {"symbol": "SBIN", "action": "BUY"},
        "unknown_symbol",
        "the account has no symbol SBIN",
    ),
}


async def test_published_alerts_are_taken_as_they_are_meant(
    gateway: InProcessGateway, dsn: str
) -> None:
    source = await add_source(gateway, "tradingview")
    path = f"/signals/tradingview/{source['path_token']}"
    for number, (name, (message, _)) in enumerate(TAKEN.items()):
        answer = await post(gateway, path, {**message, "alert_id": f"{number}"})
        assert answer.status == 202, (name, answer.body)
    found = [
        (row["symbol"], row["action"], row.get("qty"), row.get("position_size"))
        for row in commands(dsn)
    ]
    assert dict(zip(TAKEN, found, strict=True)) == {
        name: meaning for name, (_, meaning) in TAKEN.items()
    }


async def test_other_published_alerts_are_refused_with_a_reason(
    gateway: InProcessGateway, dsn: str
) -> None:
    source = await add_source(gateway, "tradingview")
    path = f"/signals/tradingview/{source['path_token']}"
    for name, (message, reason, text) in REFUSED.items():
        body = message.encode() if isinstance(message, str) else message
        answer = await post(gateway, path, body)
        assert answer.status == 422, name
        detail = answer.json()["detail"]
        assert (detail["code"], detail["reason"]) == ("validation_error", reason), name
        assert detail["message"] == text, name
    assert commands(dsn) == []
    assert fetch_number(dsn, "SELECT COUNT(*) FROM signals") == 0
