"""Methods that read: their requests, filters and retries."""

from datetime import UTC, datetime
from typing import Any

import ccxt
import pytest

from kit.http.stub_transport import DEAL, ORDER, POSITION, failure, make_exchange

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
EMPTY: dict[str, Any] = {"items": []}
WINDOW = {
    "account_ids": "7",
    "start_date": "2026-02-28",
    "end_date": "2026-03-01",
    "tz": "UTC",
    "page": "1",
    "page_size": "100",
    "sort": "desc",
}
HISTORIES = ["fetch_orders", "fetch_closed_orders", "fetch_canceled_orders", "fetch_my_trades"]


def reader(*responses: Any, **keywords: Any) -> Any:
    exchange, transport = make_exchange(*responses, **keywords)
    exchange._clock = lambda: NOW
    return exchange, transport


def test_fetch_order_sends_one_request_by_id() -> None:
    exchange, transport = reader({"items": [{**ORDER, "id": 4}, ORDER]})
    assert exchange.fetch_order("42", "BTC/USDT")["id"] == "42"
    assert (transport.only_request.method, transport.only_request.path) == ("GET", "/oms/orders/42")


def test_a_missing_order_is_none_or_an_exception_by_dialect() -> None:
    exchange, transport = reader(EMPTY)
    assert exchange.fetch_order("42") is None
    assert len(transport.sent) == 1
    exchange, _ = reader(EMPTY, dialect="ccxt")
    with pytest.raises(ccxt.OrderNotFound) as caught:
        exchange.fetch_order("42")
    assert caught.value.order_id == "42"


def test_fetch_order_falls_back_to_the_lists_if_the_read_fails() -> None:
    missing = failure("not_found")
    exchange, transport = reader(missing, {"items": [ORDER]})
    assert exchange.fetch_order(42)["id"] == "42"
    assert [sent.path for sent in transport.sent] == ["/oms/orders/42", "/oms/orders/open"]
    exchange, transport = reader(missing, EMPTY, {"items": [ORDER]})
    assert exchange.fetch_order(42)["id"] == "42"
    assert transport.sent[2].path == "/oms/orders/history"
    assert transport.sent[2].query == WINDOW | {"page_size": "500"}
    exchange, _ = reader(missing, EMPTY, EMPTY)
    assert exchange.fetch_order(42) is None


def test_an_id_is_quoted_in_the_path() -> None:
    exchange, transport = reader(EMPTY)
    exchange.fetch_order("../accounts?x=1")
    assert transport.only_request.path == "/oms/orders/..%2Faccounts%3Fx%3D1"


def test_fetch_open_orders() -> None:
    exchange, transport = reader({"items": [ORDER]})
    assert [order["id"] for order in exchange.fetch_open_orders()] == ["42"]
    assert transport.only_request.path == "/oms/orders/open"
    assert transport.only_request.query == {"account_ids": "7"}
    exchange, transport = reader({"items": [ORDER]}, strategy_id=5)
    exchange.fetch_open_orders("BTC/USDT", None, 20)
    narrowed = {"account_ids": "7", "limit": "20", "strategy_id": "5", "symbol": "BTC/USDT"}
    assert transport.only_request.query == narrowed


@pytest.mark.parametrize("method", HISTORIES)
def test_histories_cover_yesterday_and_today(method: str) -> None:
    exchange, transport = reader(EMPTY)
    assert getattr(exchange, method)() == []
    status = {"status": "CANCELED"} if method == "fetch_canceled_orders" else {}
    path = "/oms/deals" if method == "fetch_my_trades" else "/oms/orders/history"
    assert transport.only_request.path == path
    assert transport.only_request.query == WINDOW | status


@pytest.mark.parametrize("method", HISTORIES)
def test_params_set_window_and_page(method: str) -> None:
    exchange, transport = reader(EMPTY, strategy_id=5)
    params = {
        "start_date": "2026-01-01",
        "end_date": "2026-01-31",
        "page_size": 5000,
        "strategy_id": 6,
        "page": 2,
    }
    getattr(exchange, method)("BTC/USDT", None, 10, params)
    assert (
        transport.only_request.query.items()
        >= {
            "start_date": "2026-01-01",
            "end_date": "2026-01-31",
            "page_size": "5000",
            "page": "2",
            "strategy_id": "6",
            "symbol": "BTC/USDT",
        }.items()
    )
    assert not {"sort", "tz"} & set(transport.only_request.query)


def test_since_extends_the_window_and_returns_the_first_rows() -> None:
    exchange, transport = reader(EMPTY)
    exchange.fetch_my_trades(None, 1772049600123, 10)
    query = transport.only_request.query
    assert (query["start_date"], query["end_date"]) == ("2026-02-25", "2026-03-01")
    assert (query["since"], query["page_size"]) == ("1772049600123", "10")
    assert "sort" not in query


@pytest.mark.parametrize("method", ["fetch_open_orders", "fetch_orders", "fetch_my_trades"])
def test_symbol_and_since_filter_the_rows(method: str) -> None:
    rows = [
        {**ORDER, **DEAL, "id": 3, "symbol": "ETH/USDT"},
        {**ORDER, **DEAL, "id": 2},
        {**ORDER, **DEAL, "id": 1, "created_at": "2026-02-25T19:00:00Z", "executed_at": None},
    ]
    exchange, _ = reader({"items": rows})
    fetch = getattr(exchange, method)
    assert [row["id"] for row in fetch()] == ["1", "2", "3"], "the oldest first"
    assert [row["id"] for row in fetch("btc/usdt")] == ["1", "2"]
    assert [row["id"] for row in fetch("BTC/USDT", 1772049600000)] == ["2"]


def test_fetch_canceled_orders_returns_no_other_status() -> None:
    rows = [{**ORDER, "id": 1, "status": "CANCELED"}, {**ORDER, "id": 2, "status": "FILLED"}]
    exchange, _ = reader({"items": rows})
    assert [row["id"] for row in exchange.fetch_canceled_orders()] == ["1"]


def test_fetch_positions() -> None:
    rows = [POSITION, {**POSITION, "id": 4, "symbol": "ETH/USDT"}]
    exchange, transport = reader({"items": rows}, strategy_id=5)
    assert [row["id"] for row in exchange.fetch_positions()] == ["3", "4"]
    assert transport.only_request.path == "/oms/positions/open"
    assert transport.only_request.query == {"account_ids": "7", "limit": "500", "strategy_id": "5"}
    assert [row["id"] for row in exchange.fetch_positions(["eth/usdt"])] == ["4"]


LINEAR_POSITION = {**POSITION, "symbol": "BTC/USDT:USDT", "side": "buy"}
MARGIN = {
    "symbol": "BTC/USDT:USDT",
    "side": "long",
    "leverage": 3,
    "marginMode": "isolated",
    "liquidationPrice": 41000.5,
    "initialMargin": 500.0,
    "hedged": False,
    "contracts": 0.1,
}
LOADED = ({"result": {"BTC/USDT:USDT": {"id": "BTCUSDT", "swap": True}}}, {"result": {}})


def test_positions_of_contracts_have_the_margin_of_the_exchange() -> None:
    answers = ({"items": [LINEAR_POSITION]}, {"result": [MARGIN]})
    exchange, transport = make_exchange(*LOADED, *answers, dialect="ccxt")
    exchange.load_markets()
    (position,) = exchange.fetch_positions(["BTC/USDT:USDT"])
    assert {name: position[name] for name in MARGIN} == MARGIN
    assert transport.sent[-1].path == "/ccxt/7/fetch_positions"
    assert transport.sent[-1].payload == {"args": [["BTC/USDT:USDT"]], "kwargs": {}}


@pytest.mark.parametrize(
    ("method", "arguments", "params"),
    [
        ("fetch_total_balance", [], {"type": "swap"}),
        ("fetch_last_prices", [None, {"limit": 3}], {"limit": 3, "type": "swap"}),
        ("fetch_tickers", [None, {"type": "spot"}], {"type": "spot"}),
        ("fetch_tickers", [["BTC/USDT:USDT"]], None),
        ("fetch_status", [], None),
    ],
)
def test_reads_without_symbols_have_the_type_of_the_program(
    method: str, arguments: list[Any], params: Any
) -> None:
    config = {"apiKey": "key", "accountId": 7, "options": {"defaultType": "swap"}}
    exchange, transport = make_exchange({"result": {}}, config=config)
    getattr(exchange, method)(*arguments)
    sent = transport.sent[-1].payload
    named = sent["kwargs"].get("params") or next(
        (each for each in sent["args"] if isinstance(each, dict)), None
    )
    assert named == params


@pytest.mark.parametrize("count", [1, 2])
def test_parts_of_a_position_at_the_exchange_have_no_amounts_of_it(count: int) -> None:
    rows = [{**LINEAR_POSITION, "id": number} for number in range(count)]
    answers = ({"items": rows}, {"result": [{**MARGIN, "contracts": 0.2}]})
    exchange, _ = make_exchange(*LOADED, *answers, dialect="ccxt")
    exchange.load_markets()
    positions = exchange.fetch_positions()
    assert len(positions) == count
    for position in positions:
        assert (position["leverage"], position["liquidationPrice"]) == (3, 41000.5)
        assert (position["contracts"], position["initialMargin"]) == (0.1, None)


def test_a_key_of_strategies_reads_positions_without_a_margin() -> None:
    denied = failure("strategy_permission_denied")
    exchange, _ = make_exchange(*LOADED, {"items": [LINEAR_POSITION]}, denied, dialect="ccxt")
    exchange.load_markets()
    (position,) = exchange.fetch_positions()
    assert (position["leverage"], position["marginMode"]) == (None, None)
    unavailable = failure("exchange_unavailable")
    exchange, _ = make_exchange(
        *LOADED, {"items": [LINEAR_POSITION]}, *[unavailable] * 3, dialect="ccxt"
    )
    exchange.load_markets()
    with pytest.raises(ccxt.ExchangeNotAvailable):
        exchange.fetch_positions()


def test_fetch_positions_of_the_history() -> None:
    exchange, transport = reader({"items": [POSITION]})
    assert len(exchange.fetch_positions(None, {"history": True, "limit": 20})) == 1
    assert transport.only_request.path == "/oms/positions/history"
    assert transport.only_request.query == WINDOW | {"page_size": "20"}


def test_balance_ticker_and_book_are_read_from_the_exchange() -> None:
    exchange, transport = reader({"ok": True, "result": {"free": {}}})
    assert exchange.fetch_balance({"type": "swap", "strategy_id": 5}) == {"free": {}}
    exchange.fetch_ticker("BTC/USDT")
    exchange.fetch_ticker("BTC/USDT", {"x": 1})
    exchange.fetch_order_book("BTC/USDT", 5)
    requests = [(sent.method, sent.path, sent.payload) for sent in transport.sent]
    assert requests == [
        ("POST", "/ccxt/core/7/fetch_balance", {"params": {"type": "swap"}}),
        ("POST", "/ccxt/7/fetch_ticker", {"args": ["BTC/USDT"], "kwargs": {}}),
        ("POST", "/ccxt/7/fetch_ticker", {"args": ["BTC/USDT"], "kwargs": {"params": {"x": 1}}}),
        ("POST", "/ccxt/7/fetch_order_book", {"args": ["BTC/USDT", 5], "kwargs": {}}),
    ]


DOWN = failure("database_unavailable", retryable=True, ccxt_class="ExchangeNotAvailable")


def test_a_read_is_retried_twice() -> None:
    exchange, transport = reader(DOWN, ConnectionResetError("gone"), {"result": 5})
    waits: list[float] = []
    exchange._sleep = waits.append
    assert exchange.fetch_ticker("BTC/USDT") == 5
    assert len(transport.sent) == 3
    assert waits == [0.1, 0.4]
    exchange, transport = reader(DOWN)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        exchange.fetch_balance()
    assert len(transport.sent) == 3


def test_a_read_is_not_retried_if_the_error_is_not_retryable() -> None:
    exchange, transport = reader(failure("permission_denied", retryable=False))
    with pytest.raises(ccxt.PermissionDenied):
        exchange.fetch_ticker("BTC/USDT")
    assert len(transport.sent) == 1


def test_a_read_is_not_retried_after_the_timeout() -> None:
    exchange, transport = reader(DOWN, timeout_seconds=0.05)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        exchange.fetch_ticker("BTC/USDT")
    assert len(transport.sent) == 1
