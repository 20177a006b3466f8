"""Injected faults as unmodified ccxt sees them, and the books afterwards."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import ccxt
import pytest

from kit.exchanges.loopback_process import LoopbackExchange

LINEAR = "BTC/USDT:USDT"
CREATE = "order/create"


@pytest.fixture
def client(bybit: ccxt.bybit) -> ccxt.bybit:
    """Returns a client with loaded markets and a timeout of half a second."""
    bybit.load_markets()
    bybit.fetch_balance()
    bybit.timeout = 500
    return bybit


def buy(exchange: ccxt.bybit) -> Any:
    """Places a resting order."""
    return exchange.create_order(LINEAR, "limit", "buy", 0.1, 50000, {"clientOrderId": "mine"})


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"mode": "hang"}, ccxt.RequestTimeout),
        ({"mode": "http", "status": 502}, ccxt.ExchangeNotAvailable),
        ({"mode": "http", "status": 503, "body": "wait"}, ccxt.ExchangeNotAvailable),
        ({"mode": "close_before"}, ccxt.NetworkError),
        (
            {"mode": "json", "body": {"retCode": 10016, "retMsg": "System error."}},
            ccxt.ExchangeError,
        ),
        ({"mode": "rate_limit"}, ccxt.RateLimitExceeded),
        ({"mode": "ban"}, ccxt.DDoSProtection),
        ({"mode": "reject", "code": 110003}, ccxt.InvalidOrder),
        ({"mode": "redirect"}, ccxt.ExchangeError),
    ],
)
def test_a_fault_before_acceptance_leaves_no_order(
    venue: LoopbackExchange, client: ccxt.bybit, fault: dict[str, Any], error: type[Exception]
) -> None:
    venue.control("fault", match=CREATE, **fault)
    with pytest.raises(error):
        buy(client)
    assert venue.books()["orders"] == []
    client.timeout = 10_000
    assert buy(client)["id"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"mode": "accept_then_hang"}, ccxt.RequestTimeout),
        ({"mode": "accept_then_http", "status": 504}, ccxt.NetworkError),
        ({"mode": "accept_then_close"}, ccxt.NetworkError),
        ({"mode": "accept_then_truncate"}, ccxt.BaseError),
        ({"mode": "accept_then_json", "body": {"retCode": 10016}}, ccxt.ExchangeError),
    ],
)
def test_a_fault_after_acceptance_leaves_one_order(
    venue: LoopbackExchange, client: ccxt.bybit, fault: dict[str, Any], error: type[Exception]
) -> None:
    venue.control("fault", match=CREATE, **fault)
    with pytest.raises(error):
        buy(client)
    [order] = venue.books()["orders"]
    assert (order["client_id"], order["state"]) == ("mine", "new")
    [open_order] = client.fetch_open_orders(LINEAR, params={"orderLinkId": "mine"})
    assert open_order["id"] == order["order_id"]


@pytest.mark.parametrize(("mode", "orders"), [("html", 0), ("accept_then_html", 1)])
def test_an_html_page_instead_of_a_response(
    venue: LoopbackExchange, client: ccxt.bybit, mode: str, orders: int
) -> None:
    venue.control("fault", match=CREATE, mode=mode)
    created: Any = client.create_order(LINEAR, "limit", "buy", 0.1, 50000)
    assert created["id"] is None  # ccxt returns an order without an id
    assert len(venue.books()["orders"]) == orders


def test_plain_ccxt_follows_a_redirect(venue: LoopbackExchange, client: ccxt.bybit) -> None:
    venue.control("fault", match=CREATE, mode="redirect")
    with pytest.raises(ccxt.ExchangeError):
        buy(client)
    assert venue.paths()[-2:] == ["POST /v5/order/create", "POST /redirected"]


def test_closed_ports(venue: LoopbackExchange, client: ccxt.bybit) -> None:
    venue.control("fault", mode="refuse_connect")
    with pytest.raises(ccxt.NetworkError):
        buy(client)
    venue.control("clear")
    assert buy(client)["id"]
    assert len(venue.books()["orders"]) == 1


def test_rate_limit(venue: LoopbackExchange, client: ccxt.bybit) -> None:
    venue.control("limit", per_second=2)
    rest: list[str] = []
    for _ in range(5):
        try:
            client.fetch_balance()
        except ccxt.RateLimitExceeded:
            rest.append(client.last_response_headers["X-Bapi-Limit-Status"])
    assert rest == ["0", "0", "0"]
    venue.control("clear")
    assert client.fetch_balance()["USDT"]["free"] == 100_000


def test_after_and_count_of_a_fault(venue: LoopbackExchange, client: ccxt.bybit) -> None:
    venue.control("fault", match=CREATE, mode="http", status=500, after=1, count=2, key="loop-a")
    outcomes = []
    for number in range(4):
        try:
            client.create_order(LINEAR, "limit", "buy", 0.1, 50000 + number)
            outcomes.append(True)
        except ccxt.ExchangeNotAvailable:
            outcomes.append(False)
    assert outcomes == [True, False, False, True]
    assert venue.control("faults")["faults"] == []


def test_a_slow_response(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    bybit.load_markets()
    venue.control("fault", match="wallet", mode="slow", ms=300)
    started_at = time.monotonic()
    assert bybit.fetch_balance()["USDT"]["free"] == 100_000
    assert time.monotonic() - started_at >= 0.3


Read = Callable[[ccxt.bybit], Any]
READS: list[tuple[dict[str, Any], str, Read, Any]] = [
    ({"mode": "lag", "seconds": 60}, "realtime", lambda b: len(b.fetch_open_orders(LINEAR)), 0),
    ({"mode": "empty"}, "realtime", lambda b: len(b.fetch_open_orders(LINEAR)), 0),
    ({"mode": "short_page"}, "execution", lambda b: len(b.fetch_my_trades(LINEAR)), 1),
    ({"mode": "no_trade_id"}, "execution", lambda b: b.fetch_my_trades(LINEAR)[0]["id"], None),
    ({"mode": "null_fields"}, "execution", lambda b: b.fetch_my_trades(LINEAR)[0]["price"], None),
    ({"mode": "missing_leg"}, "position", lambda b: b.fetch_positions(), []),
]


@pytest.mark.parametrize(("fault", "match", "read", "expected"), READS)
def test_read_faults(
    venue: LoopbackExchange,
    client: ccxt.bybit,
    fault: dict[str, Any],
    match: str,
    read: Read,
    expected: Any,
) -> None:
    client.create_order(LINEAR, "market", "buy", 0.1)
    client.create_order(LINEAR, "market", "buy", 0.1)
    buy(client)
    venue.control("fault", match=match, **fault)
    assert read(client) == expected
    venue.control("clear")
    assert read(client) != expected


def test_a_partial_fill(venue: LoopbackExchange, client: ccxt.bybit) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    venue.control("fault", mode="partial", share="0.25")
    client.create_order(LINEAR, "limit", "buy", 0.4, 60000)
    [order] = client.fetch_open_orders(LINEAR)
    assert (order["filled"], order["remaining"]) == (0.1, 0.3)
    venue.control("fill", order_id=order["id"], qty="0.1")
    [order] = client.fetch_open_orders(LINEAR)
    assert (order["filled"], order["info"]["orderStatus"]) == (0.2, "PartiallyFilled")


def test_external_orders_and_position_changes(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    venue.control("external", symbol=LINEAR, side="buy", qty="0.3", fills=3)
    trades = bybit.fetch_my_trades(LINEAR)
    assert [trade["amount"] for trade in trades] == [0.1, 0.1, 0.1]
    assert {trade["info"]["orderLinkId"] for trade in trades} == {""}
    venue.control("nudge", symbol=LINEAR, qty="-0.1")
    assert bybit.fetch_positions()[0]["contracts"] == 0.2
    assert len(bybit.fetch_my_trades(LINEAR)) == 3
    venue.control("fault", mode="adl", symbol=LINEAR)
    assert bybit.fetch_positions() == []
    [row] = [row for row in venue.books()["trades"] if row["kind"] == "adl"]
    assert (row["side"], row["qty"], row["client_id"]) == ("sell", "0.2", "")


def test_liquidation(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    bybit.create_order(LINEAR, "market", "buy", 10)
    venue.control("price", symbol=LINEAR, price="50000")
    assert bybit.fetch_positions() == []
    kinds = [row["kind"] for row in venue.books()["trades"]]
    assert kinds == ["trade", "liquidation"]


def test_deposit_and_withdrawal(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    venue.control("deposit", currency="BTC", amount="2")
    venue.control("withdraw", currency="USDT", amount="40000")
    balance = bybit.fetch_balance()
    assert (balance["BTC"]["free"], balance["USDT"]["free"]) == (2, 60_000)
    with pytest.raises(AssertionError, match="can be withdrawn"):
        venue.control("withdraw", currency="USDT", amount="60001")


def test_funding_is_paid_at_its_time(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    venue.control("funding", symbol=LINEAR, rate="0.001")
    bybit.create_order(LINEAR, "market", "buy", 1)
    venue.control("clock", advance_s=8 * 3600)
    paid = [row for row in venue.books()["trades"] if row["kind"] == "funding"]
    assert [row["fee"] for row in paid] == ["60"]
    bybit.load_time_difference()
    [trade] = bybit.fetch_my_trades(LINEAR)
    [execution] = bybit.private_get_v5_execution_list(
        {"category": "linear", "execType": "Funding"}
    )["result"]["list"]
    assert (trade["amount"], execution["execFee"]) == (1, "60")


def test_accounts_can_be_added(venue: LoopbackExchange) -> None:
    venue.control("account", key="loop-d", secret="secret-d", balances={"BTC": "3"})
    other = ccxt.bybit(venue.config() | {"apiKey": "loop-d", "secret": "secret-d"})
    other.set_sandbox_mode(True)
    assert other.fetch_balance()["BTC"]["free"] == 3
    assert venue.books("loop-d")["balances"].keys() == {"BTC"}


def test_request_log(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    buy(bybit)
    [entry] = venue.control("log", match=CREATE)["log"]
    assert entry["client_id"] == "mine"
    assert (entry["method"], entry["host"], entry["status"]) == ("POST", "127.0.0.1", 200)
    assert (entry["path"], entry["key"]) == ("/v5/order/create", "loop-a")
    with pytest.raises(AssertionError, match="mode must be one of"):
        venue.control("fault", mode="magic")


def test_trades_of_earlier_weeks(venue: LoopbackExchange, bybit: ccxt.bybit) -> None:
    started_at = datetime.now(UTC) - timedelta(days=20)
    venue.control("clock", at=started_at.isoformat())
    for _ in range(20):
        venue.control("external", symbol=LINEAR, side="buy", qty="0.01")
        venue.control("clock", advance_s=86_400)
    venue.control("clock", offset_s=0)
    trade_ids: list[str] = []
    for week in range(3):
        since = started_at + timedelta(days=7 * week)
        window = {"startTime": _ms(since), "endTime": _ms(since + timedelta(days=7)) - 1}
        trade_ids += [trade["id"] for trade in bybit.fetch_my_trades(LINEAR, params=window)]
    assert len(trade_ids) == len(set(trade_ids)) == 20


def _ms(timestamp: datetime) -> int:
    return int(timestamp.timestamp() * 1000)
