"""What programs pass in: symbols of groups, settings, logins, trade requests, exact numbers."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mt5_driver as mt5
from mt5_driver.config import Settings, read_settings, resolve_login
from mt5_driver.errors import CallFailed
from mt5_driver.group_filter import make_group_filter
from mt5_driver.symbols import Instrument, Kind, build_catalog
from mt5_driver.trade_commands import Surroundings, plan_deal
from mt5_driver.trade_requests import echo_request, read_trade_request

NAMES = ["BTCUSD", "EURUSD", "GBPEUR", "USDJPY"]
MARKET: dict[str, Any] = {
    "symbol": "BTC/USDT:USDT",
    "base": "BTC",
    "quote": "USDT",
    "settle": "USDT",
    "swap": True,
    "contractSize": Decimal("0.01"),
    "precision": {"price": Decimal("0.5"), "amount": 1},
    "limits": {"amount": {"min": 2, "max": 5000}},
}


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("*", NAMES),
        ("*,!EUR", ["BTCUSD", "USDJPY"]),
        ("*, !*EUR*, !*JPY*", ["BTCUSD"]),
        ("*USD", ["BTCUSD", "EURUSD"]),
        ("USD*", ["USDJPY"]),
        ("EURUSD,USDJPY", ["EURUSD", "USDJPY"]),
        ("!EUR,*", NAMES),
        ("*[A-Z]*", []),
        ("", []),
    ],
)
def test_groups(group: str, expected: list[str]) -> None:
    belongs = make_group_filter(group)
    assert [name for name in NAMES if belongs(name)] == expected


def settings(**variables: str) -> Settings:
    return read_settings({f"OMS_{name}": value for name, value in variables.items()})


def test_settings_of_the_environment(tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_text("EURUSD=EUR/USDT*100000  # a lot\n\nBTCUSD = BTC/USDT\n")
    read = settings(ACCOUNT_ID="3", MT5_LOGINS="501=1,C:\\MT5\\t.exe=2", MT5_SYMBOLS=f"@{names}")
    assert read.account_id == 3
    assert read.logins == {501: 1, "C:\\MT5\\t.exe": 2}
    assert [(each.name, each.symbol, each.lot_size) for each in read.symbols] == [
        ("EURUSD", "EUR/USDT", Decimal(100000)),
        ("BTCUSD", "BTC/USDT", Decimal(1)),
    ]


@pytest.mark.parametrize(
    "variables",
    [
        {"ACCOUNT_ID": "one"},
        {"MT5_LOGINS": "501"},
        {"MT5_LOGINS": "501=one"},
        {"MT5_SYMBOLS": "EURUSD"},
        {"MT5_SYMBOLS": "A=X/Y*0"},
        {"MT5_SYMBOLS": "A=X/Y*many"},
        {"MT5_SYMBOLS": "A=X/Y,B=X/Y"},
        {"MT5_SYMBOLS": "A=X/Y,A=Z/Y"},
        {"MT5_SYMBOLS": "@missing"},
        {"MT5_EXECUTION": "fast"},
        {"MT5_NEW_MAGIC": "perhaps"},
    ],
)
def test_wrong_settings_are_an_error(variables: dict[str, str]) -> None:
    with pytest.raises(CallFailed, match="Invalid environment") as failed:
        settings(**variables)
    assert failed.value.code == mt5.RES_E_INVALID_PARAMS


def test_only_listed_logins_are_translated() -> None:
    read = settings(API_KEY="oms_key", ACCOUNT_ID="9", MT5_LOGINS="501=1,C:\\t.exe=2")
    listed = resolve_login(read, 501, "of the broker", "Broker-Demo")
    assert (listed.account_id, listed.api_key, listed.base_url) == (1, "oms_key", read.base_url)
    assert resolve_login(read, path="C:\\t.exe").account_id == 2
    assert resolve_login(read, path="C:\\other.exe").account_id == 9
    other = resolve_login(read, 502, "a key", "http://10.0.0.1:8000/")
    assert (other.account_id, other.api_key) == (502, "a key")
    assert other.base_url == "http://10.0.0.1:8000"
    assert resolve_login(read).account_id == 9
    for arguments in (("me",), (1, 2), (1, "key", 3)):
        with pytest.raises(CallFailed, match="argument"):
            resolve_login(read, *arguments)
    with pytest.raises(CallFailed, match="password"):
        resolve_login(settings(), 1)


def test_numbers_of_requests_are_exact() -> None:
    request = read_trade_request(
        {
            "action": 1,
            "symbol": "BTCUSD",
            "volume": 0.1,
            "type": np.int64(0),
            "magic": 7.0,
            "price": np.float32(0.1),
            "sl": 1e-7,
            "tp": 3,
            "comment": None,
            "unknown": object(),
        }
    )
    assert (request.volume, request.price) == (Decimal("0.1"), Decimal("0.1"))
    assert (request.sl, request.tp) == (Decimal("0.0000001"), Decimal(3))
    echoed = echo_request(request)
    assert (echoed.volume, echoed.type, echoed.magic, echoed.comment) == (0.1, 0, 7, "")
    assert read_trade_request(echoed) == request


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("volume", value) for value in ("0.1", True, float("nan"), float("inf"))],
        *[("type", value) for value in (0.5, "BUY", None.__class__)],
        *[("symbol", 5), ("comment", b"text"), ("position", "7")],
    ],
)
def test_a_wrong_value_is_named(field: str, value: object) -> None:
    with pytest.raises(CallFailed, match=f'Invalid "{field}" argument'):
        read_trade_request({"action": 1, field: value})


def instrument(**changes: Any) -> Instrument:
    (found,) = build_catalog({MARKET["symbol"]: MARKET | changes}, 4, ()).all()
    return found


def test_contracts_are_counted_in_units_of_the_base() -> None:
    linear = instrument()
    assert (linear.volume_step, linear.volume_min) == (Decimal("0.01"), Decimal("0.02"))
    assert (linear.digits, linear.point, linear.tick) == (1, Decimal("0.1"), Decimal("0.5"))
    inverse = instrument(inverse=True, settle="BTC")
    assert (inverse.kind, inverse.volume_step) == (Kind.INVERSE, Decimal(1))
    profit = inverse.profit(Decimal(10), Decimal(50000), Decimal(40000), is_long=True)
    assert profit == Decimal("-0.0000005")  # 10 * 0.01 * (1/50000 - 1/40000)


def test_markets_that_are_not_traded_are_left_out() -> None:
    for changes in ({"swap": False}, {"active": False}, {"precision": {"price": None}}):
        assert build_catalog({"X": MARKET | changes}, 4, ()).all() == []


def test_a_deal_within_its_deviation_is_a_bounded_limit_order() -> None:
    around = Surroundings(is_instant=True)
    request = {"volume": 0.02, "price": 50000.0, "deviation": 7, "type_filling": 1}
    for side, price in ((0, "50000.7"), (1, "49999.3")):
        planned = plan_deal(read_trade_request(request | {"type": side}), instrument(), around)
        assert planned.is_bounded
        terms = {name: planned.payload[name] for name in ("order_type", "price", "time_in_force")}
        assert terms == {"order_type": "limit", "price": price, "time_in_force": "IOC"}


def test_the_whole_volume_of_a_position_needs_no_step() -> None:
    position = {"ticket": 5, "type": 0, "volume": "0.01996002"}
    around = Surroundings(position=position)
    request = read_trade_request({"volume": 0.01996002, "type": 1})
    planned = plan_deal(request, instrument(), around)
    assert planned.command == "close_position"
    assert planned.payload == {"position_id": 5, "order_type": "market"}
