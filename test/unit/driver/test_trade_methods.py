"""Methods that trade: the one request of each, and the conversion of its response."""

import inspect
from typing import Any

import ccxt
import pytest

from ccxt_driver import OmsCcxtExchange
from kit.http.stub_transport import API_KEY, DEAL, ORDER, failure, make_exchange, results


def test_create_order_sends_one_command_and_returns_the_order() -> None:
    reply = results({"order": ORDER, "deals": [DEAL]})
    exchange, transport = make_exchange(reply, strategy_id=5)
    order = exchange.create_order("BTC/USDT", "LIMIT", "buy", 0.3, 1e-07)
    command = transport.command
    name = command["payload"].pop("client_order_id")
    assert command == {
        "account_id": 7,
        "command": "send_order",
        "payload": {
            "symbol": "BTC/USDT",
            "side": "buy",
            "order_type": "limit",
            "qty": "0.3",
            "strategy_id": 5,
            "position_id": 0,
            "price": "0.0000001",
        },
    }
    assert len(name) == 32
    assert transport.only_request.query == {"wait_ms": "10000"}
    assert transport.only_request.headers["x-api-key"] == API_KEY
    assert (order["id"], order["status"], order["filled"]) == ("42", "open", 0.1)
    assert order["info"] is reply
    assert [trade["id"] for trade in order["trades"]] == ["9"]


def test_every_order_has_its_own_client_order_id() -> None:
    exchange, transport = make_exchange(results({}))
    for _ in range(2):
        exchange.create_market_buy_order("BTC/USDT", 1)
    first, second = (sent.payload["payload"]["client_order_id"] for sent in transport.sent)
    assert first != second


def test_known_params_become_fields_and_others_go_to_the_exchange() -> None:
    exchange, transport = make_exchange(results({}), strategy_id=5)
    params = {
        "strategy_id": 6,
        "position_id": 3,
        "clientOrderId": "client-1",
        "postOnly": True,
        "reduce_only": False,
        "timeInForce": "GTC",
        "stop_loss": 90.5,
        "takeProfit": {"triggerPrice": 120},
        "comment": "why",
        "wait_ms": 250,
        "leverage": 3,
        "ignored": None,
    }
    exchange.create_order("BTC/USDT", "market", "sell", "1", None, params)
    assert transport.command["payload"] == {
        "symbol": "BTC/USDT",
        "side": "sell",
        "order_type": "market",
        "qty": "1",
        "strategy_id": 6,
        "position_id": 3,
        "client_order_id": "client-1",
        "post_only": True,
        "reduce_only": False,
        "time_in_force": "GTC",
        "oms_stop_loss": "90.5",
        "oms_stop_gain": "120",
        "comment": "why",
        "extra": {"leverage": 3},
    }
    assert transport.only_request.query == {"wait_ms": "250"}


@pytest.mark.parametrize("spelling", ["triggerPrice", "stopPrice", "stopLossPrice", "stop_price"])
def test_every_spelling_of_a_trigger_price_is_sent(spelling: str) -> None:
    exchange, transport = make_exchange(results({}))
    exchange.create_order("BTC/USDT", "market", "sell", 1, params={spelling: 90})
    assert transport.command["payload"]["trigger_price"] == "90"


def test_wait_ms_stays_below_the_timeout() -> None:
    exchange, transport = make_exchange(results({}), timeout_seconds=3)
    exchange.create_market_order("BTC/USDT", "buy", 1)
    assert transport.only_request.query == {"wait_ms": "2000"}


@pytest.mark.parametrize(
    ("method", "args", "expected"),
    [
        ("create_limit_order", ("buy", 1, 9), ("limit", "buy", "9")),
        ("create_limit_buy_order", (1, 9), ("limit", "buy", "9")),
        ("create_limit_sell_order", (1, 9), ("limit", "sell", "9")),
        ("create_market_order", ("sell", 1), ("market", "sell", None)),
        ("create_market_buy_order", (1,), ("market", "buy", None)),
        ("create_market_sell_order", (1,), ("market", "sell", None)),
    ],
)
def test_order_shortcuts(method: str, args: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    exchange, transport = make_exchange(results({}))
    getattr(exchange, method)("BTC/USDT", *args)
    payload = transport.command["payload"]
    assert (payload["order_type"], payload["side"], payload.get("price")) == expected


def test_signatures_match_ccxt() -> None:
    for name in vars(ccxt.Exchange):
        method = inspect.getattr_static(OmsCcxtExchange, name, None)
        is_method = name.startswith(("create", "edit", "cancel", "close_", "fetch_"))
        if method is None or not is_method:
            continue
        expected = list(inspect.signature(getattr(ccxt.Exchange, name)).parameters)
        assert list(inspect.signature(method).parameters) == expected, name


def test_a_response_without_the_order_is_filled_from_the_arguments() -> None:
    exchange, transport = make_exchange(results({"order": None, "status": "queued"}))
    order = exchange.create_order("BTC/USDT", "limit", "buy", 0.3, 100.5, {"stop_loss": 90})
    values = {key: order[key] for key in ("id", "symbol", "type", "side", "amount", "price")}
    assert values == {
        "id": "42",
        "symbol": "BTC/USDT",
        "type": "limit",
        "side": "buy",
        "amount": 0.3,
        "price": 100.5,
    }
    assert (order["status"], order["filled"], order["remaining"]) == ("open", 0, 0.3)
    assert order["clientOrderId"] == transport.command["payload"]["client_order_id"]
    assert order["stopLossPrice"] == 90


@pytest.mark.parametrize("reply", [{}, {"results": []}, {"results": [None]}, {"results": "?"}])
def test_incomplete_responses_are_accepted(reply: dict[str, Any]) -> None:
    exchange, _ = make_exchange(reply)
    assert exchange.create_market_buy_order("BTC/USDT", 1)["id"] is None
    assert exchange.edit_order(42, "BTC/USDT", "limit", "buy", 1)["id"] == "42"
    assert exchange.cancel_order(42)["id"] == "42"
    assert exchange.cancel_orders([42, 43])[1]["id"] == "43"
    assert exchange.cancel_all_orders() == []


def test_create_orders_is_one_request() -> None:
    refused = {"ok": False, "order_id": None, "status": "refused", "error": {"code": "x"}}
    unknown = {"ok": False, "order_id": 44, "status": "unknown", "error": {"code": "y"}}
    exchange, transport = make_exchange(results({"order": ORDER}, refused, unknown))
    order = {"symbol": "BTC/USDT", "type": "limit", "side": "buy", "amount": 0.3, "price": 1}
    orders = exchange.create_orders([order, order, {**order, "params": {"comment": "c"}}])
    assert [each["command"] for each in transport.command] == ["send_order"] * 3
    assert transport.command[2]["payload"]["comment"] == "c"
    assert [order["status"] for order in orders] == ["open", "rejected", "open"]
    assert [order["id"] for order in orders] == ["42", None, "44"]
    assert orders[1]["info"]["results"][0]["error"] == {"code": "x"}


def test_edit_order_sends_only_given_fields() -> None:
    reply = results({"order": ORDER})
    exchange, transport = make_exchange(reply)
    order = exchange.edit_order("42", "BTC/USDT", "limit", "buy", None, 101.5)
    assert transport.command == {
        "account_id": 7,
        "command": "change_order",
        "payload": {"order_id": 42, "new_price": "101.5"},
    }
    assert (order["id"], order["info"]) == ("42", reply)
    exchange, transport = make_exchange(results({"order": None}))
    order = exchange.edit_order("42", "BTC/USDT", "limit", "buy", 0.5, None, {"comment": "c"})
    assert transport.command["payload"] == {"order_id": 42, "new_qty": "0.5", "comment": "c"}
    assert (order["id"], order["amount"], order["type"]) == ("42", 0.5, "limit")


def test_cancel_order_returns_the_order_of_that_id() -> None:
    reply = results({"order": {**ORDER, "status": "CANCELED"}})
    exchange, transport = make_exchange(reply)
    order = exchange.cancel_order("42", "BTC/USDT")
    assert transport.command == {
        "account_id": 7,
        "command": "cancel_order",
        "payload": {"order_id": 42},
    }
    assert (order["id"], order["status"], order["info"]) == ("42", "canceled", reply)


@pytest.mark.parametrize(("result_status", "status"), [("done", "canceled"), ("queued", "open")])
def test_a_cancel_response_without_the_row(result_status: str, status: str) -> None:
    exchange, _ = make_exchange(results({"order": None, "status": result_status}))
    order = exchange.cancel_order(42, "BTC/USDT")
    assert (order["id"], order["symbol"], order["status"]) == ("42", "BTC/USDT", status)


def test_cancel_orders_is_one_command_and_keeps_the_sequence_of_ids() -> None:
    rows = [{**ORDER, "status": "CANCELED"}, {**ORDER, "id": 43, "status": "FILLED"}]
    exchange, transport = make_exchange(results({"orders": rows, "order_id": None}))
    orders = exchange.cancel_orders(["43", 42, 44], "BTC/USDT")
    assert transport.command["payload"] == {"order_ids": [43, 42, 44]}
    statuses = [(order["id"], order["status"]) for order in orders]
    assert statuses == [("43", "closed"), ("42", "canceled"), ("44", "canceled")]


@pytest.mark.parametrize(
    ("strategy_id", "args", "payload"),
    [
        (0, (), {}),
        (5, (), {"strategy_ids": [5]}),
        (5, ("BTC/USDT",), {"strategy_ids": [5], "symbol": "BTC/USDT"}),
        (5, (None, {"strategy_id": 6, "comment": "c"}), {"strategy_ids": [6], "comment": "c"}),
    ],
)
def test_cancel_all_orders_filters_by_strategy(
    strategy_id: int, args: tuple[Any, ...], payload: dict[str, Any]
) -> None:
    exchange, transport = make_exchange(results({"orders": [ORDER]}), strategy_id=strategy_id)
    assert [order["id"] for order in exchange.cancel_all_orders(*args)] == ["42"]
    assert transport.command["command"] == "cancel_all_orders"
    assert transport.command["payload"] == payload


def test_close_position_sends_the_position_id() -> None:
    exchange, transport = make_exchange(results({"order": ORDER}), strategy_id=5)
    params = {"position_id": "3", "amount": 0.1, "clientOrderId": "c", "reduceOnly": True, "x": 1}
    order = exchange.close_position("BTC/USDT", None, params)
    assert order["id"] == "42"
    assert transport.command == {
        "account_id": 7,
        "command": "close_position",
        "payload": {"position_id": 3, "qty": "0.1", "client_order_id": "c", "params": {"x": 1}},
    }


def test_close_position_without_a_position_sends_nothing() -> None:
    exchange, transport = make_exchange(results({}))
    with pytest.raises(ccxt.ArgumentsRequired):
        exchange.close_position("BTC/USDT")
    assert transport.sent == []


CONTRACT = {
    "id": "BTCUSDT",
    "symbol": "BTC/USDT:USDT",
    "spot": False,
    "contractSize": 0.01,
    "precision": {"amount": 1, "price": 0.1},
}
#: Responses to what the first order of an object in the ccxt dialect loads.
LOADED = ({"result": {"BTC/USDT:USDT": CONTRACT}}, {"result": {}})


@pytest.mark.parametrize("name", ["amount", "qty"])
def test_contracts_are_closed_in_base_units(name: str) -> None:
    exchange, transport = make_exchange(*LOADED, results({"order": ORDER}), dialect="ccxt")
    exchange.close_position("BTC/USDT:USDT", None, {"position_id": 3, name: 5})
    assert transport.sent[-1].payload["payload"]["qty"] == "0.05"


@pytest.mark.parametrize(
    "call",
    [
        lambda exchange: exchange.close_position(params={"position_id": 3, "amount": 5}),
        lambda exchange: exchange.edit_order("42", amount=5),
        lambda exchange: exchange.edit_order("42", price=100),
    ],
)
def test_an_amount_without_its_market_is_refused(call: Any) -> None:
    exchange, transport = make_exchange(results({"order": ORDER}), dialect="ccxt")
    with pytest.raises(ccxt.ArgumentsRequired, match="symbol"):
        call(exchange)
    assert transport.sent == []
    exchange, transport = make_exchange(results({"order": ORDER}))
    assert call(exchange)["id"] == "42", "the gateway's own dialect has base units"


def test_a_whole_position_is_closed_without_a_symbol() -> None:
    exchange, transport = make_exchange(results({"order": ORDER}), dialect="ccxt")
    exchange.close_position(params={"position_id": 3})
    assert transport.command["payload"]["position_id"] == 3


SENT = {**ORDER, "order_type": "market", "price": None, "status": "SUBMITTED"}
OPEN = {**SENT, "filled_qty": "0", "avg_fill_price": None}
FILLED = {**SENT, "status": "FILLED", "filled_qty": "0.3", "avg_fill_price": "100.1"}


def market_order(*responses: Any, **params: Any) -> tuple[Any, list[str]]:
    """What a market order in the ccxt dialect returns, and the paths from the command on."""
    exchange, transport = make_exchange(
        *LOADED, results({"order": OPEN}), *responses, dialect="ccxt"
    )
    order = exchange.create_order("BTC/USDT:USDT", "market", "buy", 30, None, params)
    return order, [sent.path for sent in transport.sent[2:]]


def test_a_market_order_is_returned_with_its_executions() -> None:
    order, paths = market_order({"items": [OPEN]}, {"items": [FILLED]})
    assert (order["status"], order["average"], order["price"]) == ("closed", 100.1, 100.1)
    assert paths == ["/oms/commands", "/oms/orders/42", "/oms/orders/42"]
    assert "results" in order["info"], "the reply to the command"


def test_a_market_order_that_cannot_be_read_is_returned_as_sent() -> None:
    order, paths = market_order(failure("not_found"))
    assert (order["id"], order["status"], order["price"]) == ("42", "open", None)
    assert len(paths) == 2


def test_a_market_order_is_not_awaited_for_ever() -> None:
    order, paths = market_order({"items": [OPEN]})
    assert (order["status"], len(paths)) == ("open", 7)
    order, paths = market_order({"items": [FILLED]}, wait_ms=0)
    assert (order["status"], paths) == ("open", ["/oms/commands"])


@pytest.mark.parametrize("amount", [float("nan"), "ten", None])
def test_an_invalid_number_is_refused_before_sending(amount: Any) -> None:
    exchange, transport = make_exchange(results({}))
    with pytest.raises(ccxt.InvalidOrder) as caught:
        exchange.create_order("BTC/USDT", "market", "buy", amount)
    assert (transport.sent, caught.value.outcome) == ([], "not_sent")


@pytest.mark.parametrize(
    "call",
    [
        lambda exchange: exchange.create_order("BTC/USDT", "market", "buy", 1),
        lambda exchange: exchange.create_orders([]),
        lambda exchange: exchange.edit_order(42, "BTC/USDT", "limit", "buy", 1),
        lambda exchange: exchange.cancel_order(42),
        lambda exchange: exchange.cancel_orders([42]),
        lambda exchange: exchange.cancel_all_orders(),
        lambda exchange: exchange.close_position(params={"position_id": 3}),
        lambda exchange: exchange.call_ccxt("create_order", "BTC/USDT", "market", "buy", 1),
        lambda exchange: exchange.withdraw("BTC", 1, "somewhere"),
    ],
)
@pytest.mark.parametrize(
    "error",
    [
        failure("rate_limited", retryable=True, outcome="not_sent", ccxt_class="RateLimitExceeded"),
        ConnectionRefusedError("no"),
        ConnectionResetError("gone"),
        TimeoutError("late"),
    ],
)
def test_trading_requests_are_never_repeated(call: Any, error: Any) -> None:
    exchange, transport = make_exchange(error)
    with pytest.raises(ccxt.BaseError):
        call(exchange)
    assert len(transport.sent) == 1


def test_fees_of_the_exchange_are_numbers() -> None:
    fees = {"trading": {"taker": "0.0005", "percentage": True, "tiers": [["0", "-0.0001"]]}}
    exchange, _ = make_exchange({"result": {"fees": fees, "timeframes": {"1m": "1"}}})
    exchange.load_has()
    assert exchange.fees["trading"] == {
        "taker": 0.0005,
        "percentage": True,
        "tiers": [[0.0, -0.0001]],
    }
    assert exchange.timeframes == {"1m": "1"}
