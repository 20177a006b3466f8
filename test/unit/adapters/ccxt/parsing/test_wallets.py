"""Cash of wallets: without unrealized profit and borrowed coins, of all wallets or none."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.wallets import add_wallets, parse_wallet
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.instrument import InstrumentKind
from oms.domain.performance.balances import Balance

SPOT, LINEAR = InstrumentKind.SPOT, InstrumentKind.LINEAR
BYBIT_COIN = {
    "coin": "USDT",
    "walletBalance": "1000",
    "equity": "1100",
    "unrealisedPnl": "100",
    "locked": "10",
    "totalPositionIM": "200",
    "totalOrderIM": "0",
}


def _exchange(name: str) -> Any:
    exchange = getattr(ccxt, name)()
    exchange.number = str  # As the clients of accounts: exact texts.
    return exchange


def _wallet(venue: str, response: Any, kind: InstrumentKind) -> Mapping[str, Balance] | None:
    return parse_wallet(response, kind, get_profile(venue).wallets)


def _bybit(account_type: str = "UNIFIED", **coin: str) -> Any:
    row = {"accountType": account_type, "coin": [{**BYBIT_COIN, **coin}]}
    return _exchange("bybit").parse_balance({"retCode": 0, "result": {"list": [row]}})


def test_profit_of_open_contracts_is_no_cash_at_bybit() -> None:
    wallet = _wallet("bybit", _bybit(), SPOT)
    assert wallet == {"USDT": Balance(total=Decimal(1000), free=Decimal(790), used=Decimal(210))}


def test_borrowed_coins_are_no_cash() -> None:
    wallet = _wallet("bybit", _bybit(borrowAmount="300", accruedInterest="0.5"), SPOT)
    assert wallet is not None and wallet["USDT"].total == Decimal("699.5")


def test_an_account_of_several_wallets_at_bybit_is_not_known() -> None:
    assert _wallet("bybit", _bybit("SPOT"), SPOT) is None


def test_profit_of_open_contracts_is_no_cash_at_okx() -> None:
    coin = {"ccy": "USDT", "eq": "1100", "cashBal": "1000", "availEq": "800", "frozenBal": "200"}
    response = _exchange("okx").parse_trading_balance({"data": [{"details": [coin]}]})
    wallet = _wallet("okx", response, SPOT)
    assert wallet is not None and wallet["USDT"].total == 1000


def test_profit_of_open_contracts_is_no_cash_at_binance() -> None:
    asset = {
        "asset": "USDT",
        "walletBalance": "1000",
        "marginBalance": "1100",
        "availableBalance": "900",
        "initialMargin": "200",
        "updateTime": 1,
    }
    exchange = _exchange("binance")
    contracts = exchange.parse_balance_custom({"assets": [asset]}, "linear")
    coins = {"balances": [{"asset": "USDT", "free": "50.5", "locked": "1"}]}
    spot = exchange.parse_balance_custom(coins, "spot")
    wallets = [_wallet("binance", spot, SPOT), _wallet("binance", contracts, LINEAR)]
    both = add_wallets(each for each in wallets if each is not None)
    assert both == {
        "USDT": Balance(total=Decimal("1051.5"), free=Decimal("950.5"), used=Decimal(201))
    }


def test_totals_count_where_only_coins_are_traded() -> None:
    response = {"total": {"SOL": "1.5"}, "free": {"SOL": "1"}, "used": {}, "debt": {"SOL": "0.5"}}
    wallet = parse_wallet(response, SPOT, None)
    assert wallet == {"SOL": Balance(total=Decimal(1), free=Decimal(1), used=None)}


@pytest.mark.parametrize("totals", [{}, {"SOL": None}, {"SOL": "1", "BTC": None}])
def test_an_incomplete_reply_is_no_wallet(totals: dict[str, Any]) -> None:
    assert parse_wallet({"total": totals}, SPOT, None) is None


@pytest.mark.parametrize("response", [None, [], {}, {"total": None}, {"total": {"SOL": "x"}}])
def test_a_malformed_reply_fails(response: Any) -> None:
    with pytest.raises(ReadFailed):
        parse_wallet(response, SPOT, None)


@pytest.mark.parametrize("venue", ["bybit", "okx", "binance"])
def test_a_reply_of_another_shape_fails(venue: str) -> None:
    with pytest.raises(ReadFailed):
        _wallet(venue, {"info": {"other": []}, "total": {"USDT": "1"}}, LINEAR)


def test_currencies_without_an_amount_are_left_out() -> None:
    nothing = Balance(total=Decimal(0), free=Decimal(0), used=Decimal(0))
    coins = Balance(total=Decimal(2), free=Decimal(2), used=Decimal(0))
    assert add_wallets([{"ADA": nothing, "SOL": coins}]) == {"SOL": coins}
    assert add_wallets([{"ADA": nothing, "SOL": nothing}]) == {"ADA": nothing}
