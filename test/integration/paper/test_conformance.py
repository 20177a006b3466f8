"""ccxt's own functions accept each structure that a paper account returns, unchanged."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from kit.exchanges.paper_harness import LINEAR, SPOT, PaperHarness
from oms.adapters.paper.unified_api.dispatch import READS
from oms.domain.account import PositionMode
from oms.wire.ccxt.trade_parser import PARSED_METHODS

CCXT = ccxt.binance()
Safe = Callable[[dict[str, Any]], dict[str, Any]]


async def call_read(port: PaperHarness, func: str, *args: object) -> Any:
    """Returns the result of a read as JSON carries it."""
    answer = await port.exchange.call(func, args, {}, port.now)
    return json.loads(json.dumps(answer, allow_nan=False))


async def call_trade(port: PaperHarness, func: str, *args: object) -> Any:
    """Returns the result of a trading method as JSON carries it."""
    traded = await port.exchange.trade(func, args, {}, port.now)
    assert traded.refused is None, traded.refused
    return json.loads(json.dumps(traded.value, allow_nan=False))


@pytest.fixture
async def port() -> PaperHarness:
    """A hedge account with random-walk prices that has traded a little."""
    port = PaperHarness(PositionMode.HEDGE, source="walk", balances={"USDT": Decimal(100_000)})
    await call_trade(port, "create_order", LINEAR, "market", "buy", 2)
    await call_trade(port, "create_order", LINEAR, "market", "sell", 1)
    await call_trade(port, "create_order", SPOT, "market", "buy", 3)
    await call_trade(port, "create_order", SPOT, "limit", "buy", 1, 10, {"clientOrderId": "rests"})
    CCXT.set_markets(await call_read(port, "fetch_markets"))
    return port


def assert_accepted(
    safe: Safe, ours: dict[str, Any], besides: frozenset[str] = frozenset()
) -> None:
    """Asserts that all of ccxt's keys exist and that its function changes no value of ours."""
    copy: dict[str, Any] = json.loads(json.dumps(ours))
    theirs = safe(copy)
    assert set(theirs) - set(ours) == set(), set(theirs) - set(ours)
    kept = {key: value for key, value in ours.items() if value is not None and key not in besides}
    assert {key: theirs[key] for key in kept} == kept


async def test_orders(port: PaperHarness) -> None:
    limits = {"stopLoss": {"triggerPrice": 1}, "takeProfit": {"triggerPrice": 10**6}}
    orders = [
        await call_trade(port, "create_order", LINEAR, "market", "buy", 1, None, limits),
        await call_trade(port, "create_order", SPOT, "limit", "buy", 1, 9),
        await call_trade(port, "create_stop_limit_order", SPOT, "buy", 1, 1000, 1000),
        *await call_read(port, "fetch_open_orders"),
        *await call_trade(port, "cancel_all_orders"),
        *await call_trade(port, "close_all_positions"),
    ]
    assert len(orders) >= 9
    for order in orders:
        # ccxt parses trades of an order as the exchange's raw ones, which these are not.
        assert_accepted(CCXT.safe_order, order, frozenset({"trades"}))
        for trade in order["trades"]:
            assert_accepted(CCXT.safe_trade, trade)
        assert isinstance(order["id"], str) and isinstance(order["timestamp"], int)
        assert order["status"] in ("open", "closed", "canceled")


async def test_trades(port: PaperHarness) -> None:
    mine, others = (
        await call_read(port, "fetch_my_trades"),
        await call_read(port, "fetch_trades", SPOT),
    )
    assert len(mine) == 3 and len(others) == 50
    for trade in [*mine, *others]:
        assert_accepted(CCXT.safe_trade, trade)
    assert [trade["timestamp"] for trade in others] == sorted(t["timestamp"] for t in others)
    since = others[20]["timestamp"]
    again = await call_read(port, "fetch_trades", SPOT, since, 5)
    assert again == others[20:25]


async def test_positions(port: PaperHarness) -> None:
    for func, args in (
        ("fetch_positions", []),
        ("fetch_positions_for_symbol", [LINEAR]),
        ("fetch_positions_risk", [[LINEAR]]),
    ):
        positions = await call_read(port, func, *args)
        assert {position["side"] for position in positions} == {"long", "short"}
        for position in positions:
            assert_accepted(CCXT.safe_position, position)
    assert (await call_read(port, "fetch_position", LINEAR))["side"] == "long"


async def test_balances(port: PaperHarness) -> None:
    balance = await call_read(port, "fetch_balance")
    assert_accepted(CCXT.safe_balance, balance)
    for part in ("free", "used", "total"):
        assert await call_read(port, f"fetch_{part}_balance") == balance[part]
    assert await call_read(port, "fetch_partial_balance", "USDT") == balance["USDT"]


async def test_tickers(port: PaperHarness) -> None:
    tickers = [
        await call_read(port, "fetch_ticker", SPOT),
        await call_read(port, "fetch_mark_price", LINEAR),
        *(await call_read(port, "fetch_tickers")).values(),
        *(await call_read(port, "fetch_bids_asks", [SPOT])).values(),
        *(await call_read(port, "fetch_mark_prices")).values(),
    ]
    for ticker in tickers:
        assert_accepted(CCXT.safe_ticker, ticker)
    for price in (await call_read(port, "fetch_last_prices")).values():
        assert isinstance(price["price"], float)


async def test_books_and_candles(port: PaperHarness) -> None:
    books = [
        await call_read(port, "fetch_order_book", SPOT, 5),
        await call_read(port, "fetch_l2_order_book", LINEAR, 5),
        *(await call_read(port, "fetch_order_books", [SPOT, LINEAR], 5)).values(),
    ]
    for book in books:
        parsed = CCXT.parse_order_book(book, book["symbol"], book["timestamp"])
        assert {key: parsed[key] for key in parsed} == {key: book[key] for key in parsed}
    candles = await call_read(port, "fetch_ohlcv", SPOT, "1m", None, 10)
    assert ccxt.Exchange().parse_ohlcvs(candles, None, "1m") == candles
    assert len(candles) == 10 and all(len(candle) == 6 for candle in candles)


async def test_markets_and_currencies(port: PaperHarness) -> None:
    markets = await call_read(port, "fetch_markets")
    for market in markets:
        assert_accepted(CCXT.safe_market_structure, market)
    by_symbol = await call_read(port, "load_markets")
    assert by_symbol == await call_read(port, "markets") == {m["symbol"]: m for m in markets}
    exchange = ccxt.Exchange()
    exchange.set_markets(markets, await call_read(port, "fetch_currencies"))
    assert exchange.symbols == await call_read(port, "symbols") == sorted(by_symbol)
    for symbol in (SPOT, LINEAR):
        assert await call_read(port, "market", symbol) == by_symbol[symbol]
        assert await call_read(port, "market_id", symbol) == exchange.market_id(symbol)
    for code, currency in (await call_read(port, "currencies")).items():
        assert_accepted(CCXT.safe_currency_structure, currency)
        assert currency["code"] == code


async def test_settings_and_fees(port: PaperHarness) -> None:
    assert (await call_trade(port, "set_leverage", 5, LINEAR))["longLeverage"] == 5
    leverages = await call_read(port, "fetch_leverages")
    assert leverages[LINEAR] == await call_read(port, "fetch_leverage", LINEAR)
    assert set(leverages[LINEAR]) == {
        *("info", "symbol", "marginMode", "longLeverage", "shortLeverage")
    }
    modes = await call_read(port, "fetch_margin_modes", [LINEAR])
    assert modes == {LINEAR: await call_read(port, "fetch_margin_mode", LINEAR)}
    assert (await call_read(port, "fetch_position_mode"))["hedged"] is True
    fees = await call_read(port, "fetch_trading_fees")
    assert fees[SPOT] == await call_read(port, "fetch_trading_fee", SPOT)
    tiers = await call_read(port, "fetch_leverage_tiers")
    assert tiers[LINEAR] == await call_read(port, "fetch_market_leverage_tiers", LINEAR)
    theirs = {*("tier", "symbol", "currency", "minNotional", "maxNotional")}
    theirs |= {"maintenanceMarginRate", "maxLeverage", "info"}
    assert set(tiers[LINEAR][0]) == theirs
    rate = await call_read(port, "fetch_funding_rate", LINEAR)
    assert rate == (await call_read(port, "fetch_funding_rates"))[LINEAR]
    assert rate["fundingTimestamp"] > rate["timestamp"]


@pytest.mark.parametrize(
    ("func", "args"),
    [
        ("amount_to_precision", [SPOT, 1.23456789]),
        ("amount_to_precision", [LINEAR, "7.77777"]),
        ("price_to_precision", [SPOT, 123.456789]),
        ("price_to_precision", [LINEAR, 2999.9999]),
        ("iso8601", [1_700_000_000_123]),
        ("parse8601", ["2026-02-25T20:00:00.500Z"]),
        ("parse_timeframe", ["15m"]),
        ("calculate_fee", [LINEAR, "limit", "buy", 2, 1000.0, "maker"]),
        ("calculate_fee", [SPOT, "limit", "buy", 2, 1000.0]),
        ("calculate_fee", [SPOT, "limit", "sell", 2, 1000.0]),
        ("calculate_fee", [SPOT, "", "", 2, 1000.0]),
    ],
)
async def test_helper_methods_return_the_same_as_ccxt(
    port: PaperHarness, func: str, args: list[Any]
) -> None:
    exchange = ccxt.Exchange({"precisionMode": ccxt.TICK_SIZE})
    exchange.set_markets(await call_read(port, "fetch_markets"))
    assert await call_read(port, func, *args) == getattr(exchange, func)(*args)


async def test_describe_is_consistent_with_its_parts(port: PaperHarness) -> None:
    described = await call_read(port, "describe")
    for key in ("id", "name", "has", "features", "timeframes", "fees", "limits"):
        assert described[key] == await call_read(port, key)
    assert described["precisionMode"] == await call_read(port, "precision_mode") == ccxt.TICK_SIZE
    has = described["has"]
    for name in ("fetchOHLCV", "fetchL2OrderBook", "createOrder", "setLeverage", "fetchMyTrades"):
        assert has[name] is True
    known = set(ccxt.Exchange().has) | {"CORS"}
    assert {name for name in known if has.get(name)} >= {"createOrders", "cancelAllOrders"}
    assert await call_read(port, "milliseconds") // 1000 == await call_read(port, "seconds")
    assert await call_read(port, "fetch_time") == await call_read(port, "milliseconds")
    orders = described["features"]["swap"]["linear"]["createOrder"]
    theirs = ccxt.binance().describe()["features"]["spot"]["createOrder"]
    assert set(theirs) - {"icebergAmount"} <= set(orders), set(theirs) - set(orders)
    assert orders["stopLossPrice"] is True and orders["hedged"] is True


def test_every_method_in_has_is_supported() -> None:
    assert {"fetch_ticker", "fetch_leverage", "describe"} <= READS
    assert {"create_order", "close_position"} <= PARSED_METHODS
