"""What a program for futures asks of its exchange, answered by a paper account."""

from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import ccxt
import pytest

from ccxt_driver import OmsCcxtAsyncExchange
from kit.gateway.in_process import TRADER, InProcessGateway, open_gateway, start_trading

KEY = "oms_a-trader-of-futures"
LINEAR = "BTC/USDT:USDT"
WALK = '{"oms":{"paper":{"balances":{"USDT":"10000"}}}}'
STOPS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "binance": ("stop_market", {"workingType": "MARK_PRICE"}),
    "bybit": (
        "market",
        {"triggerBy": "MarkPrice", "position_idx": 0, "method": "privatePostV5OrderCreate"},
    ),
}
"""Order type and parameters of a stop at each exchange."""


class InProcessClient:
    """Sends the driver's requests to a gateway in this process."""

    def __init__(self, gateway: InProcessGateway) -> None:
        self.gateway = gateway

    async def request(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, payload: Any = None
    ) -> Any:
        target = f"{path}?{urlencode(query)}" if query else path
        return (await self.gateway.client(method, target, payload, key=KEY)).json()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[InProcessGateway]:
    """A gateway with a running worker."""
    async with open_gateway(f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3") as opened:
        await start_trading(opened)
        yield opened


async def _trader(
    gateway: InProcessGateway, venue: str, mode: str = "netting"
) -> OmsCcxtAsyncExchange:
    account_id = await gateway.add_account(mode, WALK, f"paper.{venue}")
    await gateway.add_key("futures", KEY, grants={account_id: TRADER})
    config = {
        "apiKey": KEY,
        "accountId": account_id,
        "options": {"defaultType": "swap", "oms": {"exchange": venue}},
    }
    return OmsCcxtAsyncExchange(config, http_client=InProcessClient(gateway))


@pytest.mark.parametrize(("mode", "is_hedged"), [("netting", False), ("hedge", True)])
async def test_settings_of_a_binance_account(
    gateway: InProcessGateway, mode: str, is_hedged: bool
) -> None:
    exchange = await _trader(gateway, "binance", mode)
    assert await exchange.fapiPrivateGetPositionSideDual() == {"dualSidePosition": is_hedged}
    assert await exchange.fapiPrivateGetMultiAssetsMargin() == {"multiAssetsMargin": False}
    assert (await exchange.fetch_position_mode())["hedged"] is is_hedged
    with pytest.raises(ccxt.NotSupported, match="is_unified_enabled"):
        await exchange.is_unified_enabled()
    with pytest.raises(ccxt.NotSupported, match="fapiPrivateGetLeverageBracket"):
        await exchange.fapiPrivateGetLeverageBracket()


async def test_settings_of_a_bybit_account(gateway: InProcessGateway) -> None:
    exchange = await _trader(gateway, "bybit")
    assert await exchange.is_unified_enabled() == [False, True]
    assert (await exchange.set_position_mode(False))["hedged"] is False
    with pytest.raises(ccxt.ExchangeError):
        await exchange.set_position_mode(True)
    with pytest.raises(ccxt.NotSupported, match="position_side_dual"):
        await exchange.fapiPrivateGetPositionSideDual()


@pytest.mark.parametrize("venue", STOPS)
async def test_an_isolated_position_with_a_stop(gateway: InProcessGateway, venue: str) -> None:
    exchange = await _trader(gateway, venue)
    tiers = (await exchange.fetch_leverage_tiers())[LINEAR]
    market = (await exchange.load_markets())[LINEAR]
    assert market["limits"]["leverage"]["max"] == tiers[0]["maxLeverage"]
    assert market["marginModes"] == {"cross": True, "isolated": True}
    await exchange.set_margin_mode("isolated", LINEAR, {"leverage": 3})
    await exchange.set_leverage(3, LINEAR)
    bought = await exchange.create_order(LINEAR, "market", "buy", 0.02)
    (position,) = await exchange.fetch_positions([LINEAR])
    assert (position["leverage"], position["marginMode"], position["side"]) == (
        3,
        "isolated",
        "long",
    )
    assert position["initialMargin"] == pytest.approx(bought["cost"] / 3, rel=0.01)
    assert 0 < position["liquidationPrice"] < bought["average"]

    kind, params = STOPS[venue]
    name = "stopPrice" if venue == "binance" else "stopLossPrice"
    trigger = round(bought["average"] * 0.8)
    terms = {name: trigger, "reduceOnly": True, **params}
    stop = await exchange.create_order(LINEAR, kind, "sell", 0.02, None, terms)
    assert (stop["type"], stop["triggerPrice"], stop["reduceOnly"]) == (
        "stop_market",
        trigger,
        True,
    )
    assert (await exchange.fetch_order(stop["id"], LINEAR, {"stop": True}))["status"] == "open"
    await exchange.cancel_order(stop["id"], LINEAR, {"stop": True})
    sold = await exchange.create_order(LINEAR, "market", "sell", 0.02, None, {"reduceOnly": True})
    assert sold["status"] == "closed"
    assert await exchange.fetch_positions() == []


async def test_parameters_that_a_paper_account_does_not_have_are_refused(
    gateway: InProcessGateway,
) -> None:
    exchange = await _trader(gateway, "bybit")
    stop = {"stopLossPrice": 10000}
    for params in (
        {"position_idx": 1},
        {"triggerBy": "LastPrice"},
        {"triggerBy": "IndexPrice", **stop},
        {"method": "privatePostV5PositionTradingStop", **stop},
    ):
        with pytest.raises(ccxt.NotSupported, match=next(iter(params))):
            await exchange.create_order(LINEAR, "market", "sell", 0.02, None, params)
    assert await exchange.fetch_open_orders() == []


@pytest.mark.parametrize(
    "terms",
    [{"stop_loss_pct": 1}, {"max_hold_seconds": 60}, {"expires_at": "2030-01-01T00:00:00Z"}],
    ids=lambda terms: next(iter(terms)),
)
async def test_terms_that_a_closing_order_does_not_have_are_refused(
    gateway: InProcessGateway, terms: dict[str, Any]
) -> None:
    exchange = await _trader(gateway, "binance")
    await exchange.create_order(LINEAR, "market", "buy", 0.02)
    (position,) = await exchange.fetch_positions()
    params = {"position_id": position["id"], **terms}
    with pytest.raises(ccxt.BaseError, match=next(iter(terms))):
        await exchange.close_position(LINEAR, None, params)
    assert len(await exchange.fetch_positions()) == 1


async def test_tickers_of_futures_are_those_of_contracts(gateway: InProcessGateway) -> None:
    exchange = await _trader(gateway, "binance")
    for method in (exchange.fetch_tickers, exchange.fetch_bids_asks):
        symbols = set(await method())
        assert LINEAR in symbols and all(":" in symbol for symbol in symbols)
    spot = set(await exchange.fetch_tickers(None, {"type": "spot"}))
    assert "BTC/USDT" in spot and not any(":" in symbol for symbol in spot)
    assert set(await exchange.fetch_tickers([LINEAR], {"type": "spot"})) == {LINEAR}


async def test_candles_and_funding_of_contracts(gateway: InProcessGateway) -> None:
    exchange = await _trader(gateway, "binance")
    # Without the newest candle, which changes from one read to the next.
    last = (await exchange.fetch_ohlcv(LINEAR, "1h", None, 3))[:2]
    past = (LINEAR, "1h", last[0][0], 2)
    mark = await exchange.fetch_ohlcv(*past, {"price": "mark"})
    assert mark == await exchange.fetch_mark_ohlcv(*past)
    assert [row[:5] for row in mark] == [row[:5] for row in last]
    assert [row[5] for row in mark] == [None] * 2
    with pytest.raises(ccxt.NotSupported, match="index"):
        await exchange.fetch_ohlcv(LINEAR, "1h", None, 3, {"price": "index"})
    rates = await exchange.fetch_funding_rate_history(LINEAR, None, 3)
    times = [row["timestamp"] for row in rates]
    assert [after - before for before, after in pairwise(times)] == [8 * 3600 * 1000] * 2
    current = await exchange.fetch_funding_rate(LINEAR)
    assert {row["fundingRate"] for row in rates} == {current["fundingRate"]}
    assert times[-1] + 8 * 3600 * 1000 == current["fundingTimestamp"]
    assert await exchange.fetch_funding_rate_history(LINEAR, times[1]) == rates[1:]
    assert await exchange.fetch_funding_history(LINEAR) == []
