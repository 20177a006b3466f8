"""Markets and rounding, compared with ccxt."""

from typing import Any

import ccxt
import pytest
from ccxt.base.decimal_to_precision import ROUND, TRUNCATE, decimal_to_precision

from ccxt_driver.markets import (
    DECIMAL_PLACES,
    SIGNIFICANT_DIGITS,
    TICK_SIZE,
    MarketRounding,
    Markets,
)
from kit.http.stub_transport import make_exchange

SPOT: dict[str, Any] = {
    "id": "BTCUSDT",
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "settle": None,
    "spot": True,
    "swap": False,
    "precision": {"amount": 0.00001, "price": 0.01, "cost": None},
}
SWAP = {
    **SPOT,
    "symbol": "BTC/USDT:USDT",
    "settle": "USDT",
    "spot": False,
    "swap": True,
    "precision": {"amount": 0.001, "price": 0.5},
}
MARKETS = {"BTC/USDT": SPOT, "BTC/USDT:USDT": SWAP}
VALUES = [1, 0.1, 0.123456789, "1e-3", 1234567.891, 0.005, 99999.995, 2.5, 1e-7 + 1]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("step", [0.01, 0.5, 0.00001, 1, 10, 0.25])
def test_amounts_and_prices_are_rounded_as_by_ccxt(value: Any, step: float) -> None:
    rounding = MarketRounding(market={"symbol": "X", "precision": {"amount": step, "price": step}})
    for name, how in (("cost", TRUNCATE), ("fee", ROUND)):
        expected = decimal_to_precision(str(value), how, step, ccxt.TICK_SIZE)
        assert float(getattr(rounding, name)(value)) == float(expected)


@pytest.mark.parametrize("mode", [DECIMAL_PLACES, SIGNIFICANT_DIGITS])
def test_other_precision_modes_use_ccxt(mode: int) -> None:
    rounding = MarketRounding(
        market={"symbol": "X", "precision": {"amount": 3, "price": 3}}, mode=mode
    )
    assert rounding.amount(1.23456) == decimal_to_precision("1.23456", TRUNCATE, 3, mode)
    assert rounding.price(1.23456) == decimal_to_precision("1.23456", ROUND, 3, mode)


def test_rounding_to_zero_is_an_invalid_order() -> None:
    rounding = MarketRounding(market=SPOT, mode=TICK_SIZE)
    assert (rounding.amount(0.000019), rounding.amount(None)) == ("0.00001", None)
    for round_off in (rounding.amount, rounding.price):
        with pytest.raises(ccxt.InvalidOrder):
            round_off(0.0000001)
    with pytest.raises(ccxt.InvalidOrder, match="not a number"):
        rounding.amount("many")


def test_a_market_is_found_by_symbol_or_id() -> None:
    markets = Markets(by_symbol=MARKETS)
    assert markets.find("BTC/USDT:USDT") is SWAP
    options = {"defaultType": "swap"}
    assert (markets.find("BTCUSDT"), markets.find("BTCUSDT", options)) == (SPOT, SWAP)
    assert markets.find("BTC/USDT", options) is SPOT
    assert markets.find("BTC/USDT", options, swaps_spot_symbols=True) is SWAP
    only_contracts = Markets(by_symbol={"BTC/USDT:USDT": SWAP})
    assert only_contracts.find("BTC/USDT", options, swaps_spot_symbols=True) is SWAP
    for symbol in ("DOGE", "DOGE/USDT"):
        with pytest.raises(ccxt.BadSymbol):
            markets.find(symbol, options, swaps_spot_symbols=True)


def test_currencies_have_the_finest_step_and_all_keys_of_ccxt() -> None:
    currencies = Markets(by_symbol=MARKETS).currencies
    assert {code: each["precision"] for code, each in currencies.items()} == {
        "BTC": 0.00001,
        "USDT": 0.01,
    }
    currency = ccxt.Exchange().safe_currency_structure({"id": "BTC", "code": "BTC"})
    assert set(currency) <= set(currencies["BTC"])


def test_load_markets_sends_one_request_and_sets_the_attributes_of_ccxt() -> None:
    exchange, transport = make_exchange({"result": MARKETS})
    assert exchange.markets is None
    assert exchange.amountToPrecision("BTC/USDT", 1.000019) == "1.00001"
    assert exchange.load_markets() is exchange.markets
    assert (exchange.symbols, exchange.ids) == (sorted(MARKETS), ["BTCUSDT"])
    assert exchange.markets_by_id == {"BTCUSDT": [SPOT, SWAP]}
    assert exchange.market_id("BTC/USDT:USDT") == "BTCUSDT"
    assert exchange.symbol("BTCUSDT") == "BTC/USDT"
    assert exchange.price_to_precision("BTC/USDT:USDT", 10.3) == "10.5"
    assert exchange.cost_to_precision("BTC/USDT", 10.009) == "10"
    assert exchange.fee_to_precision("BTC/USDT", 10.009) == "10.01"
    assert exchange.currency_to_precision("USDT", 1.005) == "1.01"
    assert exchange.currency("BTC")["code"] == "BTC"
    with pytest.raises(ccxt.ExchangeError):
        exchange.currency("XYZ")
    assert transport.only_request.path == "/ccxt/7/load_markets"
    exchange.load_markets(True)
    assert transport.sent[1].payload == {"args": [True], "kwargs": {}}


def test_ccxt_dialect_loads_has_and_timeframes_with_the_markets() -> None:
    described = {"has": {"fetchOHLCV": True}, "timeframes": {"1m": "1m"}, "precisionMode": 2}
    exchange, transport = make_exchange({"result": MARKETS}, {"result": described}, dialect="ccxt")
    exchange.load_markets()
    assert [sent.path for sent in transport.sent] == ["/ccxt/7/load_markets", "/ccxt/7/describe"]
    assert exchange.has["fetchOHLCV"] is True
    assert (exchange.timeframes, exchange.precisionMode) == ({"1m": "1m"}, 2)


def test_has_before_the_first_request_in_the_ccxt_dialect() -> None:
    exchange, transport = make_exchange(
        {"result": MARKETS}, {"result": {"has": {}}}, dialect="ccxt"
    )
    assert exchange.has["fetchOHLCV"] is exchange.has["createMarketOrder"] is True
    assert transport.sent == []
    exchange.load_markets()
    assert "fetchOHLCV" not in exchange.has, "the exchange does not report it"
    oms, _ = make_exchange()
    assert "fetchOHLCV" not in oms.has


def test_markets_are_copied_from_another_object_without_a_request() -> None:
    fees = {"trading": {"taker": 0.001}}
    description = {"has": {"fetchTime": True}, "timeframes": {"1m": "1m"}, "fees": fees}
    source, _ = make_exchange({"result": MARKETS}, {"result": description}, dialect="ccxt")
    exchange, transport = make_exchange(dialect="ccxt")
    with pytest.raises(ccxt.ArgumentsRequired):
        exchange.set_markets_from_exchange(source)
    source.load_markets()
    assert exchange.setMarketsFromExchange(source) is exchange
    assert (exchange.markets, exchange.symbols) == (source.markets, source.symbols)
    assert (exchange.timeframes, exchange.fees) == ({"1m": "1m"}, fees)
    assert exchange.load_markets() is exchange.markets
    assert exchange.market("BTCUSDT") is SPOT
    assert transport.sent == []
    with pytest.raises(ccxt.BadRequest):
        exchange.set_markets_from_exchange(ccxt.Exchange())


def test_static_functions_send_no_request() -> None:
    exchange, transport = make_exchange({"result": 1})
    assert exchange.milliseconds() // 1000 - exchange.seconds() in (0, 1)
    assert exchange.iso8601(0) == ccxt.Exchange.iso8601(0)
    text = "2026-03-01T10:00:00.500Z"
    assert exchange.parse8601(text) == ccxt.Exchange.parse8601(text)
    for frame in ("1s", "5m", "4h", "1d", "1w", "1M", "1y"):
        assert exchange.parseTimeframe(frame) == ccxt.Exchange.parse_timeframe(frame)
    with pytest.raises(ValueError, match="5m"):
        exchange.parse_timeframe("soon")
    assert exchange.safe_string({"a": 1}, "a") == "1"
    assert exchange.safeFloat({"a": "1.5"}, "a") == 1.5
    assert exchange.sum(1, 2) == 3
    assert exchange.check_required_credentials() is True
    assert transport.sent == []
    assert exchange.number_to_string(1e-7) == "0.0000001"
    places = [exchange.precision_from_string(text) for text in ("0.0010", "1e-4", "10")]
    assert places == [3, 4, 0]
    assert exchange.decimal_to_precision("1.2345", 0, 2, 2) == "1.23"
    assert exchange.safe_dict({"a": {"b": 1}}, "a") == {"b": 1}
    trades = [{"timestamp": 60_000 * n, "price": 10 + n, "amount": 1} for n in (1, 2, 2)]
    candles = exchange.build_ohlcvc(trades, "1m")
    assert candles == ccxt.Exchange().build_ohlcvc(trades, "1m")
    assert transport.sent == []
    assert not hasattr(exchange, "safe_unknown_function")
    assert not hasattr(exchange, "anything")
    with pytest.raises(ccxt.NotSupported, match="raw requests"):
        exchange.publicGetTicker24hr()
    assert (exchange.secret, exchange.headers) == ("", {})
    assert exchange.fetch_funding_rate("BTC/USDT:USDT") == 1
